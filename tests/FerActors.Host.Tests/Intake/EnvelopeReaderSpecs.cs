using System.Text;
using FerActors.Host.Intake;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Tests.Intake;

public sealed class EnvelopeReaderSpecs
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly RawDelivery Plain = new(
        new DeliveryKey(1, 2), false, "m-1", "c-1", null, new Dictionary<string, object?>(), new byte[] { 1 }, 1, null, Noon);

    private readonly EnvelopeReader _reader = new(new RabbitMqOptions { MaxBodyBytes = 100 }, () => "generated");

    [Fact]
    public void A_plain_message_is_accepted_with_the_defaults()
    {
        var (delivery, verdict) = _reader.Read(Plain);

        Assert.IsType<Verdict.Accept>(verdict);
        Assert.Equal("m-1", delivery.MessageId);
        Assert.False(delivery.MessageIdGenerated);
        Assert.Equal("c-1", delivery.CorrelationId);
        Assert.Equal("fer.results", delivery.ResultQueue);
        Assert.Equal(RequestOptions.Default, delivery.Request);
        Assert.Null(delivery.ExpiresAt);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void A_missing_id_is_generated(string? id)
    {
        var (delivery, _) = _reader.Read(Plain with { MessageId = id });

        Assert.Equal("generated", delivery.MessageId);
        Assert.True(delivery.MessageIdGenerated);
    }

    [Fact]
    public void Generated_ids_differ_from_one_another()
    {
        var reader = new EnvelopeReader(new RabbitMqOptions());
        var anonymous = Plain with { MessageId = null };

        Assert.NotEqual(reader.Read(anonymous).Delivery.MessageId, reader.Read(anonymous).Delivery.MessageId);
    }

    [Theory]
    [InlineData("fer.reply.x")]
    [InlineData("amq.gen-abc")]
    public void An_allowed_reply_to_receives_the_result(string replyTo)
    {
        var (delivery, verdict) = _reader.Read(Plain with { ReplyTo = replyTo });

        Assert.IsType<Verdict.Accept>(verdict);
        Assert.Equal(replyTo, delivery.ResultQueue);
    }

    [Fact]
    public void Another_reply_to_is_dead_lettered_and_shown_without_control_characters()
    {
        var (_, verdict) = _reader.Read(Plain with { ReplyTo = "evil\n[ERROR] forged" });

        var reason = Assert.IsType<Verdict.DeadLetter>(verdict).Reason;
        Assert.DoesNotContain('\n', reason);
        Assert.Contains("evil?[ERROR] forged", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_id_that_cannot_be_copied_is_dead_lettered()
    {
        var (_, verdict) = _reader.Read(Plain with { CorrelationId = new string('x', 256) });

        Assert.IsType<Verdict.DeadLetter>(verdict);
    }

    [Fact]
    public void A_body_over_the_limit_is_refused_with_both_numbers()
    {
        var (_, verdict) = _reader.Read(Plain with { BodyLength = 101, Body = default });

        var refusal = Assert.IsType<Verdict.Refuse>(verdict);
        Assert.Equal(ErrorCodes.TooLarge, refusal.Code);
        Assert.Contains("101", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("100", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_header_is_refused_and_foreign_headers_are_ignored()
    {
        var headers = new Dictionary<string, object?> { ["traceparent"] = new List<object>(), [RequestHeaders.Faces] = Encoding.UTF8.GetBytes("most") };

        var (_, verdict) = _reader.Read(Plain with { Headers = headers });

        Assert.Equal(ErrorCodes.InvalidHeader, Assert.IsType<Verdict.Refuse>(verdict).Code);
    }

    [Fact]
    public void The_deadline_counts_from_the_delivery_by_this_nodes_own_clock()
    {
        var (delivery, verdict) = _reader.Read(Plain with { Headers = new Dictionary<string, object?> { [RequestHeaders.Deadline] = "1500" } });

        Assert.IsType<Verdict.Accept>(verdict);
        Assert.Equal(Noon.AddMilliseconds(1500), delivery.ExpiresAt);
        Assert.Equal(RequestOptions.Default, delivery.Request);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("soon")]
    [InlineData("86400001")]
    [InlineData("99999999999999")]
    public void A_deadline_that_is_none_is_refused(string deadline)
    {
        var (_, verdict) = _reader.Read(Plain with { Headers = new Dictionary<string, object?> { [RequestHeaders.Deadline] = deadline } });

        Assert.Equal(ErrorCodes.InvalidHeader, Assert.IsType<Verdict.Refuse>(verdict).Code);
    }

    [Theory]
    [InlineData("m-\uFFFD", "c-1", "message-id")]
    [InlineData("m-1", "c-\uFFFD", "correlation-id")]
    public void An_id_that_is_not_utf_8_is_answered_with_what_the_message_can_be_told_by(string messageId, string correlationId, string named)
    {
        var (delivery, verdict) = _reader.Read(Plain with { MessageId = messageId, CorrelationId = correlationId });

        var refusal = Assert.IsType<Verdict.Refuse>(verdict);
        Assert.Equal(ErrorCodes.BadMessageId, refusal.Code);
        Assert.Contains($"The {named} is not UTF-8", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Plain.Body.Span)), refusal.Message, StringComparison.Ordinal);
        Assert.Equal((messageId, correlationId), (delivery.MessageId, delivery.CorrelationId));
    }

    [Fact]
    public void An_id_that_is_not_utf_8_and_too_long_to_be_copied_is_answered_under_another()
    {
        var lost = new string('\uFFFD', 100);
        var (delivery, verdict) = _reader.Read(Plain with { MessageId = lost, CorrelationId = lost });

        Assert.Equal(ErrorCodes.BadMessageId, Assert.IsType<Verdict.Refuse>(verdict).Code);
        Assert.Equal("generated", delivery.MessageId);
        Assert.Null(delivery.CorrelationId);
    }

    [Theory]
    [InlineData("amq.rabbitmq.reply-to.secret", true)]
    [InlineData("amq.rabbitmq.reply-to.", false)]
    [InlineData("amq.rabbitmq.reply-to", false)]
    [InlineData("amq.rabbitmq.reply-to.a\nb", false)]
    [InlineData("fer.reply.a\nb", false)]
    public void A_direct_reply_needs_no_place_on_the_list(string replyTo, bool allowed)
    {
        var (delivery, verdict) = _reader.Read(Plain with { ReplyTo = replyTo });

        Assert.Equal(allowed, verdict is Verdict.Accept);
        Assert.Equal(allowed ? replyTo : "fer.results", delivery.ResultQueue);
    }

    [Fact]
    public void The_identity_of_an_uncopied_body_is_that_of_its_hash()
    {
        var copied = _reader.Read(Plain with { MessageId = null, Body = new byte[] { 1, 2, 3 } }).Delivery;
        var hashed = _reader.Read(Plain with
        {
            MessageId = null,
            Body = default,
            BodySha256 = System.Security.Cryptography.SHA256.HashData([1, 2, 3]),
        }).Delivery;

        Assert.Equal(copied.Identity(), hashed.Identity());
        Assert.NotEqual(copied.Identity(), (copied with { CorrelationId = "other" }).Identity());
    }
}
