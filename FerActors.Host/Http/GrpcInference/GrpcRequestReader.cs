using System.Globalization;
using FerActors.Host.Http.GrpcInference.Protocol;
using FerActors.Host.Http.OpenInference;
using FerActors.Host.Http.Requests;

namespace FerActors.Host.Http.GrpcInference;

/// <summary>Reads an inference request that came by gRPC, by the rules of the one that comes by HTTP.</summary>
/// <param name="maxImageBytes">Bytes of one image as it is published.</param>
/// <param name="maxImages">Images of one request.</param>
internal sealed class GrpcRequestReader(int maxImageBytes, int maxImages)
{
    private readonly ImageTensor _tensor = new(maxImageBytes, maxImages);

    /// <exception cref="ApiException">It is not a request that can be answered.</exception>
    public InferenceRequest Read(ModelInferRequest request)
    {
        if (request.Inputs is not [{ Name: ImageTensor.Name } input])
        {
            throw JsonMember.Invalid($"it must have one input with the name '{ImageTensor.Name}'");
        }

        CheckMemory(input.Parameters.Keys);
        var images = _tensor.Read(input.Datatype, input.Shape, Data(request, input));
        var headers = InferenceRequestReader.HeadersOf(request.Parameters.Select(entry => KeyValuePair.Create(entry.Key, Text(entry.Value))));
        return new InferenceRequest(request.Id.Length > 0 ? request.Id : null, images, headers, [.. request.Outputs.Select(Output)]);
    }

    private static ITensorData Data(ModelInferRequest request, ModelInferRequest.Types.InferInputTensor input) =>
        (request.RawInputContents, input.Contents) switch
        {
            ([var raw], null) => new BinaryTensorData(raw.Memory),
            ([], { } contents) => new GrpcTensorData(contents),
            ([], null) => throw JsonMember.Invalid("its input has no data"),
            ([_], _) => throw JsonMember.Invalid("its input has contents and raw_input_contents; it must have one of them"),
            _ => throw JsonMember.Invalid("raw_input_contents has more elements than there are inputs"),
        };

    private static RequestedOutput Output(ModelInferRequest.Types.InferRequestedOutputTensor output)
    {
        CheckMemory(output.Parameters.Keys);
        var classes = output.Parameters.TryGetValue("classification", out var value)
            ? long.TryParse(Text(value), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1
            : 0;
        return InferenceRequestReader.Output(output.Name, classes, null);
    }

    private static void CheckMemory(IEnumerable<string> parameters)
    {
        if (parameters.Contains(InferenceRequestReader.SharedMemory))
        {
            throw JsonMember.Invalid(InferenceRequestReader.NoSharedMemory);
        }
    }

    private static string? Text(InferParameter value) => value.ParameterChoiceCase switch
    {
        InferParameter.ParameterChoiceOneofCase.BoolParam => value.BoolParam ? "true" : "false",
        InferParameter.ParameterChoiceOneofCase.Int64Param => value.Int64Param.ToString(CultureInfo.InvariantCulture),
        InferParameter.ParameterChoiceOneofCase.Uint64Param => value.Uint64Param.ToString(CultureInfo.InvariantCulture),
        InferParameter.ParameterChoiceOneofCase.DoubleParam => value.DoubleParam.ToString(CultureInfo.InvariantCulture),
        InferParameter.ParameterChoiceOneofCase.StringParam => value.StringParam,
        _ => null,
    };
}
