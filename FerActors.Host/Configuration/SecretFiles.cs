using FerActors.Shared.Options;

namespace FerActors.Host.Configuration;

/// <param name="Option">The option that names it.</param>
/// <param name="Path">The file.</param>
internal sealed record SecretFile(string Option, string Path);

/// <summary>Files with keys, passwords and tokens, and whether every user of the machine can read or change them.</summary>
internal static class SecretFiles
{
    private const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Those that every user can reach. On Windows the folders' rights guard them, which are not looked at.</summary>
    public static IEnumerable<SecretFile> OpenToOthers(FerOptions options) =>
        OperatingSystem.IsWindows() ? [] : Of(options).Where(file => IsOpen(file.Path));

    /// <summary>What is wrong with one of them.</summary>
    public static string Sentence(SecretFile file) => $"{file.Option}: every user of this machine can read or change '{file.Path}'.";

    private static IEnumerable<SecretFile> Of(FerOptions options) => new (string Option, string? Path)[]
    {
        ("RabbitMq:PasswordFile", options.RabbitMq.PasswordFile),
        ("Persistence:ConnectionStringFile", options.Persistence.ConnectionStringFile),
        ("Cluster:CertificateKeyFile", options.Cluster.CertificateKeyFile),
        ("Cluster:CertificateKeyPasswordFile", options.Cluster.CertificateKeyPasswordFile),
        ("Control:TokenFile", options.Control.TokenFile),
        ("Api:KeysFile", options.Api.KeysFile),
        ("Retention:KeyFile", options.Retention.KeyFile),
        ("Seq:ApiKeyFile", options.Seq.ApiKeyFile),
        ("Telemetry:HeadersFile", options.Telemetry.HeadersFile),
    }.Where(file => !string.IsNullOrEmpty(file.Path)).Select(file => new SecretFile(file.Option, file.Path!));

    // A folder above it that others cannot enter keeps them out as well.
    internal static bool IsOpen(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }

        try
        {
            var file = new FileInfo(Path.GetFullPath(path));
            file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            if (!file.Exists || (file.UnixFileMode & Others) == 0)
            {
                return false;
            }

            for (var folder = file.Directory; folder is not null; folder = folder.Parent)
            {
                if ((folder.UnixFileMode & UnixFileMode.OtherExecute) == 0)
                {
                    return false;
                }
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whoever reads it says what is wrong with it.
            return false;
        }
    }
}
