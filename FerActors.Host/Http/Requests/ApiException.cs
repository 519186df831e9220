using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.Requests;

/// <summary>A request ends here, with this reason.</summary>
/// <param name="code">One of <see cref="ApiCodes"/> or of the queue's codes.</param>
/// <param name="message">A sentence for the client; it quotes no image data.</param>
internal sealed class ApiException(string code, string message) : Exception(message)
{
    public string Code => code;
}
