using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Akka.Actor;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Http.GrpcInference.Protocol;
using FerActors.Host.Operator;
using FerActors.Host.Tests.Brokers;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http.OpenInference;

/// <summary>The protocol over gRPC, with a real client before a real pipeline.</summary>
public sealed class GrpcInferenceSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private static readonly byte[] Picture = Surroundings.Picture(".png");

    [SkippableFact]
    public async Task A_picture_in_raw_contents_becomes_raw_tensors()
    {
        await using var api = await StartAllAsync();
        using var channel = Channel(api);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);

        var waiting = client.ModelInferAsync(Raw(Picture)).ResponseAsync;
        var image = await AnswerAsync();
        var answer = await waiting;

        Assert.Equal(Picture, image.Body.ToArray());
        Assert.Equal(("fer", FakePipeline.Version, "mine"), (answer.ModelName, answer.ModelVersion, answer.Id));
        Assert.Equal(["probabilities", "label", "name", "confidence", "box", "image"], answer.Outputs.Select(tensor => tensor.Name));
        Assert.Equal(answer.Outputs.Count, answer.RawOutputContents.Count);
        Assert.Equal([1L, 7L], answer.Outputs[0].Shape);
        Assert.Equal(0.7f, BinaryPrimitives.ReadSingleLittleEndian(answer.RawOutputContents[0].Span[(3 * sizeof(float))..]));
        Assert.Equal(3, BinaryPrimitives.ReadInt64LittleEndian(answer.RawOutputContents[1].Span));
        Assert.Equal("Happy", answer.RawOutputContents[2].ToByteArray()[4..].Aggregate("", (text, letter) => text + (char)letter));

        var statistics = await client.ModelStatisticsAsync(new ModelStatisticsRequest { Name = "fer" });
        Assert.Equal(1ul, Assert.Single(statistics.ModelStats).InferenceStats.Success.Count);
    }

    [SkippableFact]
    public async Task Contents_parameters_and_outputs_are_those_of_HTTP()
    {
        await using var api = await StartAllAsync();
        using var channel = Channel(api);
        var request = Raw([]);
        request.RawInputContents.Clear();
        request.Inputs[0].Contents = new InferTensorContents { BytesContents = { ByteString.CopyFrom(Picture) } };
        request.Parameters.Add("faces", new InferParameter { StringParam = "largest" });
        request.Parameters.Add("priority", new InferParameter { Uint64Param = 1 });
        request.Outputs.Add(new ModelInferRequest.Types.InferRequestedOutputTensor
        {
            Name = "probabilities",
            Parameters = { ["classification"] = new InferParameter { Int64Param = 1 } },
        });

        var waiting = new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(request).ResponseAsync;
        var image = await AnswerAsync();
        var answer = await waiting;

        Assert.Equal(FaceSelection.Largest, image.Request.Faces);
        Assert.Equal("0.7:3:Happy", Encoding.UTF8.GetString(answer.RawOutputContents.Single().Span[4..]));
    }

    [SkippableFact]
    public async Task Pixels_may_be_typed_or_raw()
    {
        await using var api = await StartAllAsync();
        using var channel = Channel(api);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        var typed = new ModelInferRequest { ModelName = "fer" };
        typed.Inputs.Add(new ModelInferRequest.Types.InferInputTensor
        {
            Name = "image",
            Datatype = "UINT8",
            Shape = { 1, 2, 3 },
            Contents = new InferTensorContents { UintContents = { 1, 2, 3, 4, 5, 6 } },
        });
        var raw = typed.Clone();
        raw.Inputs[0].Contents = null;
        raw.RawInputContents.Add(ByteString.CopyFrom(1, 2, 3, 4, 5, 6));

        foreach (var request in new[] { typed, raw })
        {
            var waiting = client.ModelInferAsync(request).ResponseAsync;
            Assert.Equal([3, 2, 1, 6, 5, 4], (await AnswerAsync()).Body.ToArray()[54..60]);
            await waiting;
        }
    }

    [SkippableFact]
    public async Task Health_metadata_and_configuration_are_those_of_HTTP()
    {
        var (key, line) = ApiKeyLine.Create("anna");
        await using var api = await StartAllAsync(new ApiOptions { KeyHashes = [line.ToString()] }, request =>
            Task.FromResult(OperatorReply.Done("", new ModelsView(1, [new ModelSummary("v1", ["champion"], 1, 1, 1, 1, DateTimeOffset.UnixEpoch, null, null)]))));
        using var channel = Channel(api);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        var with = new Metadata { { "authorization", "Bearer " + key } };

        Assert.True((await client.ServerLiveAsync(new ServerLiveRequest())).Live);
        Assert.True((await client.ServerReadyAsync(new ServerReadyRequest())).Ready);
        Assert.True((await client.ModelReadyAsync(new ModelReadyRequest { Name = "fer" }, with)).Ready);
        Assert.Contains("model_repository", (await client.ServerMetadataAsync(new ServerMetadataRequest(), with)).Extensions);
        var model = await client.ModelMetadataAsync(new ModelMetadataRequest { Name = "fer" }, with);
        Assert.Equal("image", model.Inputs.Single().Name);
        Assert.Equal([-1L, 7L], model.Outputs[0].Shape);
        var config = (await client.ModelConfigAsync(new ModelConfigRequest { Name = "fer" }, with)).Config;
        Assert.Equal((0, DataType.TypeString, DataType.TypeFp32), (config.MaxBatchSize, config.Input[0].DataType, config.Output[0].DataType));
        Assert.Equal("READY", (await client.RepositoryIndexAsync(new RepositoryIndexRequest(), with)).Models.Single().State);
    }

    [SkippableFact]
    public async Task Keys_are_needed_where_HTTP_needs_them_and_rights_too()
    {
        var (plain, first) = ApiKeyLine.Create("anna");
        var (able, second) = ApiKeyLine.Create("otto", ApiKeyLine.ModelsRight);
        var asked = new List<OperatorRequest>();
        await using var api = await StartAllAsync(new ApiOptions { KeyHashes = [first.ToString(), second.ToString()] }, request =>
        {
            asked.Add(request);
            return Task.FromResult(OperatorReply.Done("v2 is the champion."));
        });
        using var channel = Channel(api);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        var load = new RepositoryModelLoadRequest
        {
            ModelName = "fer",
            Parameters = { ["config"] = new ModelRepositoryParameter { StringParam = """{"parameters":{"version":{"string_value":"v2"}}}""" } },
        };

        await AssertStatusAsync(StatusCode.Unauthenticated, "unauthorized: ", () => client.ModelInferAsync(Raw(Picture)));
        await AssertStatusAsync(StatusCode.Unauthenticated, "unauthorized: ", () => client.ModelInferAsync(Raw(Picture), new Metadata { { "x-api-key", "guess" } }));
        await AssertStatusAsync(StatusCode.PermissionDenied, "forbidden: ", () => client.RepositoryModelLoadAsync(load, new Metadata { { "x-api-key", plain } }));
        Assert.Empty(asked);
        await client.RepositoryModelLoadAsync(load, new Metadata { { "x-api-key", able } });
        Assert.Equal([new ModelRequests.Promote("v2")], asked);
    }

    [SkippableFact]
    public async Task Each_refusal_has_the_status_that_says_the_same()
    {
        await using var api = await StartAllAsync(new ApiOptions { RatePerSecond = 0, MaxBatchBytes = 100_000 });
        using var channel = Channel(api);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        var twice = Raw(Picture);
        twice.Inputs[0].Contents = new InferTensorContents { BytesContents = { ByteString.CopyFrom(Picture) } };
        var other = Raw(Picture);
        other.ModelName = "other";

        await AssertStatusAsync(StatusCode.NotFound, "The model is called fer", () => client.ModelInferAsync(other));
        await AssertStatusAsync(StatusCode.InvalidArgument, "must have one input", () => client.ModelInferAsync(new ModelInferRequest { ModelName = "fer" }));
        await AssertStatusAsync(StatusCode.InvalidArgument, "one of them", () => client.ModelInferAsync(twice));
        await AssertStatusAsync(StatusCode.InvalidArgument, "unsupported_format: Image 0", () => client.ModelInferAsync(Raw([1, 2, 3])));
        await AssertStatusAsync(StatusCode.ResourceExhausted, "too_large: Image 0", () => client.ModelInferAsync(Raw(HostilePictures.Bomb())));
        await AssertStatusAsync(StatusCode.ResourceExhausted, "", () => client.ModelInferAsync(Raw(new byte[200_000])));
        await AssertStatusAsync(StatusCode.Unavailable, "registry_unavailable", () => client.RepositoryIndexAsync(new RepositoryIndexRequest()));
        var version = Raw(Picture);
        version.ModelVersion = "other";
        var waiting = AssertStatusAsync(StatusCode.NotFound, "does not serve", () => client.ModelInferAsync(version));
        await AnswerAsync();
        await waiting;
    }

    [SkippableFact]
    public async Task The_rate_limit_counts_calls_too()
    {
        await using var api = await StartAllAsync(new ApiOptions { RatePerSecond = 1, RateBurst = 1 });
        using var channel = Channel(api);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);

        await client.ServerMetadataAsync(new ServerMetadataRequest());

        await AssertStatusAsync(StatusCode.ResourceExhausted, "rate_limited: ", async () =>
        {
            while (true)
            {
                await client.ServerMetadataAsync(new ServerMetadataRequest());
            }
        });
    }

    [SkippableFact]
    public async Task A_callers_deadline_is_the_images_in_the_queue()
    {
        await using var api = await StartAllAsync();
        using var channel = Channel(api);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);

        await AssertStatusAsync(StatusCode.DeadlineExceeded, "", () => client.ModelInferAsync(Raw(Picture), deadline: DateTime.UtcNow.AddSeconds(2)));

        await UntilAsync(async () => (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).InFlight == 0);
    }

    [SkippableFact]
    public async Task A_message_that_does_not_arrive_in_time_is_refused()
    {
        await using var api = await StartAllAsync(new ApiOptions { BodyTimeout = TimeSpan.FromMilliseconds(300), MinBodyBytesPerSecond = 0 });
        using var client = new HttpClient { BaseAddress = api.GrpcAddress };
        using var request = Call("ModelInfer", new SilentContent());

        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);

        Assert.Equal("4", Trailer(response, "grpc-status"));
        Assert.Contains("slow_body", Trailer(response, "grpc-message"), StringComparison.Ordinal);
    }

    /// <summary>
    /// The bytes are those that tritonclient's generated code writes for
    /// <c>InferInput("image", [1], "BYTES")</c>: fields 1 (model_name), 5 (inputs: 1 name, 2 datatype, 3 shape, packed) and 7
    /// (raw_input_contents). They depend on no definition of this project.
    /// </summary>
    [SkippableFact]
    public async Task The_numbers_of_the_fields_are_the_public_protocols()
    {
        await using var api = await StartAllAsync();
        using var client = new HttpClient { BaseAddress = api.GrpcAddress };
        byte[] tensor = [.. Field(1, "image"u8), .. Field(2, "BYTES"u8), .. Field(3, [1])];
        var length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, Picture.Length);
        byte[] message = [.. Field(1, "fer"u8), .. Field(5, tensor), .. Field(7, [.. length, .. Picture])];
        var prefix = new byte[5];
        BinaryPrimitives.WriteInt32BigEndian(prefix.AsSpan(1), message.Length);
        using var request = Call("ModelInfer", new ByteArrayContent([.. prefix, .. message]));

        var waiting = client.SendAsync(request);
        Assert.Equal(Picture, (await AnswerAsync()).Body.ToArray());
        var response = await waiting;
        var answer = (await response.Content.ReadAsByteArrayAsync())[5..];

        Assert.Equal("0", Trailer(response, "grpc-status"));
        Assert.Equal(Field(1, "fer"u8), answer[..5]);
        Assert.Equal(Field(2, Encoding.UTF8.GetBytes(FakePipeline.Version)), answer[5..(7 + FakePipeline.Version.Length)]);

        // The first output: field 5, of 13 + 2 + 4 + 2 + 2 + 2 bytes; and the last of the raw contents, field 6: INT64, image 0.
        byte[] first = [.. Field(1, "probabilities"u8), .. Field(2, "FP32"u8), .. Field(3, [1, 7])];
        Assert.Equal(Field(5, first), answer.AsSpan(7 + FakePipeline.Version.Length, first.Length + 2).ToArray());
        Assert.Equal(Field(6, new byte[sizeof(long)]), answer[^10..]);
    }

    private static byte[] Field(int number, ReadOnlySpan<byte> bytes)
    {
        using var field = new MemoryStream();
        using (var coded = new CodedOutputStream(field, leaveOpen: true))
        {
            coded.WriteTag(number, WireFormat.WireType.LengthDelimited);
            coded.WriteLength(bytes.Length);
        }

        field.Write(bytes);
        return field.ToArray();
    }

    private static HttpRequestMessage Call(string method, HttpContent content)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        var request = new HttpRequestMessage(HttpMethod.Post, $"/inference.GRPCInferenceService/{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.Add("te", "trailers");
        return request;
    }

    private static string Trailer(HttpResponseMessage response, string name) =>
        (response.Headers.TryGetValues(name, out var header) ? header : response.TrailingHeaders.GetValues(name)).Single();

    private static async Task AssertStatusAsync<T>(StatusCode status, string sentence, Func<AsyncUnaryCall<T>> call) =>
        await AssertStatusAsync(status, sentence, async () => await call());

    private static async Task AssertStatusAsync(StatusCode status, string sentence, Func<Task> call)
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(call);
        Assert.True(refusal.StatusCode == status, refusal.ToString());
        Assert.Contains(sentence, refusal.Status.Detail, StringComparison.Ordinal);
    }

    private static ModelInferRequest Raw(byte[] picture)
    {
        var length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, picture.Length);
        var request = new ModelInferRequest { ModelName = "fer", Id = "mine" };
        request.Inputs.Add(new ModelInferRequest.Types.InferInputTensor { Name = "image", Datatype = "BYTES", Shape = { 1 } });
        request.RawInputContents.Add(ByteString.CopyFrom([.. length, .. picture]));
        return request;
    }

    private static GrpcChannel Channel(ApiUnderTest api) => GrpcChannel.ForAddress(api.GrpcAddress);

    private async Task<ApiUnderTest> StartAllAsync(ApiOptions? options = null, Func<OperatorRequest, Task<OperatorReply>>? models = null)
    {
        await StartAsync(answers: false);
        var api = await ApiUnderTest.StartAsync(
            Sys, Options, (options ?? new ApiOptions { RatePerSecond = 0 }) with { GrpcUrls = "http://127.0.0.1:0" }, models: models);
        await UntilAsync(async () => (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).Connected);
        return api;
    }

    private async Task<ClassifyImage> AnswerAsync()
    {
        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        Pipeline.LastSender.Tell(HappyFaces.In(image));
        return image;
    }

    /// <summary>A body that begins and never goes on.</summary>
    private sealed class SilentContent : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(new byte[] { 0, 0, 0, 1, 0 }, cancellationToken);
            await stream.FlushAsync(cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
