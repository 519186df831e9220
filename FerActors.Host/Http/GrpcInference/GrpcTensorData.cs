using FerActors.Host.Http.GrpcInference.Protocol;
using FerActors.Host.Http.OpenInference;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Protocol;
using Google.Protobuf.Collections;

namespace FerActors.Host.Http.GrpcInference;

/// <summary>A tensor in the typed contents of a gRPC request.</summary>
internal sealed class GrpcTensorData(InferTensorContents contents) : ITensorData
{
    public long MostValues => contents.UintContents.Count;

    public IReadOnlyList<ReadOnlyMemory<byte>> Elements(long expected) => [.. contents.BytesContents.Select(element => element.Memory)];

    public ReadOnlyMemory<byte> Bytes(long expected) => ToBytes(contents.UintContents);

    private static byte[] ToBytes(RepeatedField<uint> values)
    {
        var bytes = new byte[values.Count];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = values[i] <= byte.MaxValue ? (byte)values[i] : throw new ApiException(
                ApiCodes.InvalidRequest, "The request cannot be used: an element of the data is not from 0 to 255.");
        }

        return bytes;
    }
}
