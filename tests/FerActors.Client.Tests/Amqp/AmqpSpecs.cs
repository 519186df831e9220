using System.Diagnostics;
using System.Globalization;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;
using FerActors.Testing;
using FerActors.Testing.Processes;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Client.Tests.Amqp;

/// <summary>The client before a real broker.</summary>
[Collection(BrokerCollection.Name)]
public sealed class AmqpSpecs(BrokerNode broker) : IAsyncLifetime
{
    private static readonly byte[] Image = [1, 2, 3];

    private ScriptedNode? _node;

    private ScriptedNode Node => _node!;

    public async Task InitializeAsync() => _node = broker.Uri is null ? null : await ScriptedNode.StartAsync(broker.Uri);

    public async Task DisposeAsync()
    {
        if (_node is not null)
        {
            await _node.DisposeAsync();
        }
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_image_travels_as_the_contract_says_and_its_result_comes_back(bool direct)
    {
        await using var client = Client(options => options.DirectReplyTo = direct);
        var options = new ClassifyOptions
        {
            Faces = FaceSelection.Largest,
            Include = IncludeParts.Crop | IncludeParts.Attention,
            Explain = new ExplanationRequest(ExplanationMethod.Gradient, Expression.Sad),
            Timeout = TimeSpan.FromSeconds(50),
            MessageId = "order-17",
        };

        var classifying = client.ClassifyAsync(Image, options);
        var asked = await Node.NextAsync();
        await Node.AnswerAsync(asked);
        var result = await classifying;

        Assert.Equal("order-17", result.MessageId);
        Assert.Equal(Image, asked.Body);
        Assert.Equal(("order-17", "order-17"), (asked.Properties.MessageId, asked.Properties.CorrelationId));
        Assert.StartsWith(direct ? "amq.rabbitmq.reply-to." : "fer.reply.", asked.Properties.ReplyTo, StringComparison.Ordinal);
        Assert.Equal(DeliveryModes.Persistent, asked.Properties.DeliveryMode);
        Assert.Equal(asked.Properties.Expiration, asked.Text(RequestHeaders.Deadline));
        Assert.InRange(long.Parse(asked.Properties.Expiration!, CultureInfo.InvariantCulture), 1, 50_000);
        Assert.Equal("largest", asked.Text(RequestHeaders.Faces));
        Assert.Equal("attention,crop", asked.Text(RequestHeaders.Include));
        Assert.Equal("gradient:sad", asked.Text(RequestHeaders.Explain));
        Assert.False(asked.Properties.Headers!.ContainsKey(RequestHeaders.Aligned));
    }

    [SkippableFact]
    public async Task The_reply_queue_is_the_clients_own_and_goes_with_it()
    {
        var client = Client();
        var classifying = client.ClassifyAsync(Image);
        var asked = await Node.NextAsync();
        await Node.AnswerAsync(asked);
        await classifying;

        await client.DisposeAsync();

        var gone = await Assert.ThrowsAsync<OperationInterruptedException>(() => Node.Channel.QueueDeclarePassiveAsync(asked.Properties.ReplyTo!));
        Assert.Equal(404, gone.ShutdownReason!.ReplyCode);
    }

    [SkippableFact]
    public async Task A_stream_is_read_to_its_end()
    {
        await using var client = Client();
        Node.AnswerAll();

        var result = await client.ClassifyAsync(new MemoryStream(new byte[200_000]));

        Assert.Equal(200_000, result.Image!.Width);
    }

    [SkippableFact]
    public async Task The_trace_goes_on_at_the_node()
    {
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == FerClient.TelemetryName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        await using var client = Client();
        using var caller = new Activity("caller").Start();

        var classifying = client.ClassifyAsync(Image);
        var asked = await Node.NextAsync();
        await Node.AnswerAsync(asked);
        await classifying;

        Assert.True(ActivityContext.TryParse(asked.Text("traceparent"), null, out var context));
        Assert.Equal(caller.TraceId, context.TraceId);
        Assert.NotEqual(caller.SpanId, context.SpanId);
    }

    [SkippableTheory]
    [InlineData(ErrorCodes.CorruptImage, typeof(FerImageException), false)]
    [InlineData(ErrorCodes.Overloaded, typeof(FerUnavailableException), true)]
    [InlineData(ErrorCodes.Expired, typeof(FerTimeoutException), true)]
    [InlineData(ErrorCodes.Internal, typeof(FerNodeException), true)]
    [InlineData(ErrorCodes.ModelFailure, typeof(FerNodeException), false)]
    [InlineData("code_of_a_newer_node", typeof(FerNodeException), false)]
    public async Task An_error_result_is_an_exception_of_its_kind(string code, Type kind, bool transient)
    {
        await using var client = Client();

        var classifying = client.ClassifyAsync(Image);
        await Node.AnswerAsync(await Node.NextAsync(), code);
        var failure = await Record.ExceptionAsync(() => classifying);

        var told = Assert.IsAssignableFrom<FerException>(failure);
        Assert.IsType(kind, told);
        Assert.Equal((code, "A sentence.", transient), (told.Code, told.Message, told.IsTransient));
        Assert.Equal("scripted", told.Result!.Node);
    }

    [SkippableFact]
    public async Task What_is_no_result_fails_its_request_alone()
    {
        await using var client = Client();

        var first = client.ClassifyAsync(Image);
        await Node.AnswerAsync(await Node.NextAsync(), "{"u8.ToArray());
        var second = client.ClassifyAsync(Image);
        await Node.AnswerAsync(await Node.NextAsync());

        Assert.Equal(ErrorCodes.Internal, (await Assert.ThrowsAsync<FerNodeException>(() => first)).Code);
        await second;
    }

    [SkippableFact]
    public async Task Without_a_queue_of_images_the_client_says_so_and_declares_none()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await using var node = await ScriptedNode.ConnectAsync(broker.Uri!);
        await using var client = FerClient.Create(broker.Uri!, options => options.ImagesQueue = node.Queue);

        var failure = await Assert.ThrowsAsync<FerUnavailableException>(() => client.ClassifyAsync(Image));

        Assert.Contains($"The broker has no queue '{node.Queue}'", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<OperationInterruptedException>(() => node.Channel.QueueDeclarePassiveAsync(node.Queue));
    }

    [SkippableFact]
    public async Task What_the_broker_does_not_confirm_is_refused()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await using var node = await ScriptedNode.ConnectAsync(broker.Uri!);
        await node.DeclareAsync(("x-max-length", 1), ("x-overflow", "reject-publish"));
        await node.Channel.BasicPublishAsync("", node.Queue, mandatory: true, Image);
        await using var client = FerClient.Create(broker.Uri!, options => options.ImagesQueue = node.Queue);

        var failure = await Assert.ThrowsAsync<FerUnavailableException>(() => client.ClassifyAsync(Image));

        Assert.Equal((ErrorCodes.Overloaded, true), (failure.Code, failure.IsTransient));
        Assert.Equal(1u, await node.Channel.MessageCountAsync(node.Queue));
    }

    [SkippableFact]
    public async Task A_result_that_never_comes_ends_with_the_deadline_and_the_next_request_is_answered()
    {
        await using var client = Client();

        var failure = await Assert.ThrowsAsync<FerTimeoutException>(
            () => client.ClassifyAsync(Image, new ClassifyOptions { Timeout = TimeSpan.FromMilliseconds(500), MessageId = "m-1" }));
        var late = await Node.NextAsync();
        await Node.AnswerAsync(late);
        var classifying = client.ClassifyAsync(Image);
        await Node.AnswerAsync(await Node.NextAsync());

        Assert.Equal(("timeout", "m-1"), (failure.Code, failure.MessageId));
        Assert.NotEqual("m-1", (await classifying).MessageId);
    }

    [SkippableFact]
    public async Task Who_gives_up_is_let_go_and_the_late_result_disturbs_nobody()
    {
        await using var client = Client();
        using var caller = new CancellationTokenSource();

        var givenUp = client.ClassifyAsync(Image, cancellationToken: caller.Token);
        var asked = await Node.NextAsync();
        await caller.CancelAsync();
        var ending = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givenUp);
        await Node.AnswerAsync(asked);
        var classifying = client.ClassifyAsync(Image);
        await Node.AnswerAsync(await Node.NextAsync());

        Assert.Equal(caller.Token, ending.CancellationToken);
        Assert.NotEqual(asked.Properties.MessageId, (await classifying).MessageId);
    }

    [SkippableFact]
    public async Task A_thousand_requests_are_in_flight_on_one_connection_and_each_gets_its_own_result()
    {
        await using var client = Client(options => options.MaxInFlight = 1000);

        var classifying = Enumerable.Range(1, 1000).Select(length => client.ClassifyAsync(new byte[length])).ToList();
        var asked = await Node.NextAsync(1000);
        asked.Reverse();
        foreach (var image in asked)
        {
            await Node.AnswerAsync(image);
        }

        var results = await Task.WhenAll(classifying);
        Assert.Equal(Enumerable.Range(1, 1000), results.Select(result => result.Image!.Width));
        Assert.Single(asked.Select(image => image.Properties.ReplyTo).Distinct());
    }

    [SkippableFact]
    public async Task Beyond_the_bound_a_request_waits_for_another_ones_end()
    {
        await using var client = Client(options => options.MaxInFlight = 2);

        var classifying = Enumerable.Range(0, 3).Select(_ => client.ClassifyAsync(Image)).ToList();
        var first = await Node.NextAsync(2);
        var refused = await Assert.ThrowsAsync<FerUnavailableException>(
            () => client.ClassifyAsync(Image, new ClassifyOptions { Timeout = TimeSpan.FromMilliseconds(50) }));
        Assert.False(Node.HasMore);
        await Node.AnswerAsync(first[0]);
        await Node.AnswerAsync(await Node.NextAsync());
        await Node.AnswerAsync(first[1]);

        await Task.WhenAll(classifying);
        Assert.Contains("MaxInFlight", refused.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task The_second_result_of_one_image_is_passed_over()
    {
        await using var client = Client();

        var first = client.ClassifyAsync(Image);
        var asked = await Node.NextAsync();
        await Node.AnswerAsync(asked);
        await Node.AnswerAsync(asked, ErrorCodes.Internal);
        var second = client.ClassifyAsync(Image);
        await Node.AnswerAsync(await Node.NextAsync());

        await first;
        await second;
    }

    [SkippableFact]
    public async Task Two_messages_with_one_id_are_not_in_flight_at_once()
    {
        await using var client = Client();
        var options = new ClassifyOptions { MessageId = "m-1" };

        var first = client.ClassifyAsync(Image, options);
        var asked = await Node.NextAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => client.ClassifyAsync(Image, options));
        await Node.AnswerAsync(asked);

        await first;
    }

    [SkippableFact]
    public async Task Requests_in_flight_end_when_the_client_is_disposed()
    {
        var client = Client();

        var classifying = client.ClassifyAsync(Image);
        await Node.NextAsync();
        await client.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => classifying);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.ClassifyAsync(Image));
    }

    [SkippableTheory]
    [InlineData("amqp://guest:s3cret@{0}:{1}/", "refuses the user 'guest' or its password")]
    [InlineData("amqp://{2}@{0}:{1}/no-such-place", "refuses: ")]
    public async Task A_broker_that_lets_nobody_in_says_why_at_once(string address, string sentence)
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var at = new Uri(broker.Uri!);
        await using var client = FerClient.Create(string.Format(CultureInfo.InvariantCulture, address, at.Host, at.Port, at.UserInfo));

        var failure = await Assert.ThrowsAsync<FerAccessException>(() => client.ClassifyAsync(Image, new ClassifyOptions { Timeout = TimeSpan.FromHours(1) }));

        Assert.Contains(sentence, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", failure.ToString(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task The_password_may_stand_in_a_file()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var file = Path.GetTempFileName();
        var address = new UriBuilder(broker.Uri!);
        await File.WriteAllTextAsync(file, Uri.UnescapeDataString(address.Password) + "\n");
        address.Password = "wrong";
        await using var client = FerClient.Create(address.Uri.ToString(), options =>
        {
            options.PasswordFile = file;
            options.ImagesQueue = Node.Queue;
        });
        Node.AnswerAll();

        await client.ClassifyAsync(Image);

        File.Delete(file);
    }

    [SkippableFact]
    public async Task An_image_that_is_larger_than_the_broker_takes_is_refused_and_its_neighbours_are_answered()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.IfNot(broker.IsPrivate, "The broker is not this run's own.");
        await LimitMessagesAsync(100_000);
        try
        {
            await using var client = Client();
            Node.AnswerAll();

            var large = client.ClassifyAsync(new byte[200_000]);
            var others = Enumerable.Range(0, 5).Select(_ => client.ClassifyAsync(Image)).ToList();

            Assert.Equal(ErrorCodes.TooLarge, (await Assert.ThrowsAsync<FerImageException>(() => large)).Code);
            await Task.WhenAll(others);
        }
        finally
        {
            await LimitMessagesAsync(16 * 1024 * 1024);
        }
    }

    [SkippableFact]
    public async Task A_broker_with_an_alarm_lets_images_wait()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.IfNot(broker.IsPrivate, "The broker is not this run's own.");
        await using var client = Client();
        Node.AnswerAll();
        await client.ClassifyAsync(Image);
        await broker.ControlAsync("set_vm_memory_high_watermark", "0.0000001");
        Task<ClassificationResult> waiting;
        try
        {
            // The broker says that it takes nothing when it is sent something.
            waiting = client.ClassifyAsync(Image, new ClassifyOptions { Timeout = TimeSpan.FromMinutes(5) });
            var failure = await Assert.ThrowsAsync<FerUnavailableException>(
                () => client.ClassifyAsync(Image, new ClassifyOptions { Timeout = TimeSpan.FromSeconds(3) }));
            Assert.Contains("takes no messages: low on memory", failure.Message, StringComparison.Ordinal);
            Assert.False(waiting.IsCompleted);
        }
        finally
        {
            await broker.ControlAsync("set_vm_memory_high_watermark", "0.4");
        }

        await waiting;
    }

    // RabbitMQ 3.10 reads the one, 4.x the other.
    private Task LimitMessagesAsync(int bytes) => broker.ControlAsync(
        "eval", $"application:set_env(rabbit, max_message_size, {bytes}), persistent_term:put(max_message_size, {bytes}).");

    private FerClient Client(Action<FerClientOptions>? configure = null)
    {
        Skip.If(broker.Uri is null, broker.Absence);
        return FerClient.Create(broker.Uri!, options =>
        {
            options.ImagesQueue = Node.Queue;
            configure?.Invoke(options);
        });
    }
}
