using FerActors.Host.Http.Requests;
using FerActors.Shared.Protocol;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace FerActors.Host.Http.GrpcInference;

/// <summary>Bounds the time in which the message of a call must arrive, as <c>Api:BodyTimeout</c> bounds that of a body.</summary>
/// <remarks>The framework reads the message before it calls the service, and takes no other exception than its own for a status.</remarks>
internal sealed class GrpcBody(Stream body, TimeSpan timeout, CancellationTokenSource bound) : ReadOnlyBody
{
    /// <summary>Bounds a call; leaves other requests alone.</summary>
    public static async Task BoundAsync(HttpContext http, TimeSpan timeout, RequestDelegate next)
    {
        if (!GrpcAnswers.IsCall(http.Request))
        {
            await next(http);
            return;
        }

        using var bound = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        bound.CancelAfter(timeout);
        http.Request.Body = new GrpcBody(http.Request.Body, timeout, bound);
        await next(http);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, bound.Token);
        try
        {
            return await body.ReadAsync(buffer, both.Token);
        }
        catch (OperationCanceledException) when (bound.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw Refusal(ApiCodes.SlowBody, $"The message did not arrive within {timeout.TotalSeconds:0.###} s.");
        }
        catch (ApiException e)
        {
            throw Refusal(e.Code, e.Message);
        }
    }

    private static RpcException Refusal(string code, string sentence) =>
        new(new Status((StatusCode)GrpcAnswers.StatusOf(code), GrpcAnswers.Message(code, sentence)));
}
