using System.Globalization;
using System.Text.RegularExpressions;
using RabbitMQ.Client.Events;

namespace FerActors.Client.Broker;

/// <summary>Why a session ended.</summary>
/// <param name="Reason">A sentence without a full stop.</param>
/// <param name="RefusedBytes">The body's length, where the broker ended the session over a message larger than it takes.</param>
internal sealed partial record SessionEnd(string Reason, int? RefusedBytes = null)
{
    private const ushort PreconditionFailed = 406;

    public static SessionEnd Of(ShutdownEventArgs args)
    {
        var size = args.ReplyCode == PreconditionFailed ? Size().Match(args.ReplyText) : Match.Empty;
        return new SessionEnd(
            $"{args.Initiator} closed it with {args.ReplyCode} {args.ReplyText}",
            size.Success ? int.Parse(size.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null);
    }

    // RabbitMQ's own words; it does not say which message it was.
    [GeneratedRegex(@"message size (\d{1,9}) is larger than")]
    private static partial Regex Size();
}
