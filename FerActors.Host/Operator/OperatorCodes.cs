using System.Text.Json;

namespace FerActors.Host.Operator;

internal static class OperatorCodes
{
    /// <summary>An actor's code in the form of <see cref="OperatorReply.Code"/>: <c>gate_refused</c>.</summary>
    public static string Of<TCode>(TCode code)
        where TCode : struct, Enum =>
        JsonNamingPolicy.SnakeCaseLower.ConvertName(code.ToString());
}
