using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Event;
using Akka.Remote.Transport.DotNetty;
using FerActors.Shared.Options;

namespace FerActors.Host.Clustering;

/// <summary>This node's certificate, and the authorities whose certificates make another process a member.</summary>
public sealed class ClusterIdentity
{
    private readonly X509Certificate2 _own;
    private readonly X509Certificate2Collection _authorities;

    private ClusterIdentity(X509Certificate2 own, X509Certificate2Collection authorities) => (_own, _authorities) = (own, authorities);

    /// <summary>When this node's certificate ends.</summary>
    public DateTimeOffset Expires => _own.NotAfter;

    /// <summary>TLS for Akka.Remote: both sides of a connection show a certificate of the same authority.</summary>
    /// <remarks>Names are not compared: pods change theirs, and the authority signs members alone.</remarks>
    public DotNettySslSetup Tls => new(_own, suppressValidation: false, requireMutualAuthentication: true, validateCertificateHostname: false, Accepts);

    /// <summary>Reads what the options name; on loopback without a name, what the node's user made there before, or makes it.</summary>
    /// <returns><see langword="null"/> for a node that uses no TLS.</returns>
    /// <exception cref="IOException">A file is missing, cannot be read, or does not fit the others; the message says which and why.</exception>
    public static ClusterIdentity? Load(ClusterOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!options.UsesTls)
        {
            return null;
        }

        if (options is { CertificateFile: { } certificate, CertificateKeyFile: { } key, AuthorityFile: { } authority })
        {
            return Load(certificate, key, authority, PasswordOf(options));
        }

        var folder = options.CertificateFolder;
        CertificateAuthority.EnsureLocal(folder);
        return Load(
            Path.Combine(folder, CertificateAuthority.CertificateName),
            Path.Combine(folder, CertificateAuthority.KeyName),
            Path.Combine(folder, CertificateAuthority.AuthorityName),
            password: null);
    }

    private static ClusterIdentity Load(string certificate, string key, string authority, string? password)
    {
        var authorities = Read(() =>
        {
            var read = new X509Certificate2Collection();
            read.ImportFromPemFile(authority);
            return read;
        }, "'{0}' holds no certificate of an authority", authority);
        var own = Read(
            () => password is null
                ? X509Certificate2.CreateFromPemFile(certificate, key)
                : X509Certificate2.CreateFromEncryptedPemFile(certificate, password, key),
            "'{0}' and '{1}' are no certificate and its key, or the key's password is another",
            certificate,
            key);
        if (OperatingSystem.IsWindows())
        {
            // Its TLS takes no key that was only read into memory.
            own = X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pkcs12), null);
        }

        var identity = new ClusterIdentity(own, authorities);
        return identity.Fault(own) is { } fault
            ? throw new IOException($"The other nodes would refuse the certificate '{certificate}': {fault}.")
            : identity;
    }

    private static T Read<T>(Func<T> read, string fault, params object[] files)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is CryptographicException or UnauthorizedAccessException)
        {
            throw new IOException(string.Format(System.Globalization.CultureInfo.InvariantCulture, fault, files) + $": {e.Message}", e);
        }
    }

    private static string? PasswordOf(ClusterOptions options) =>
        options.CertificateKeyPasswordFile is { } file ? File.ReadAllText(file).TrimEnd('\r', '\n') : options.CertificateKeyPassword;

    private bool Accepts(X509Certificate2? certificate, X509Chain? chain, string peer, SslPolicyErrors errors, ILoggingAdapter log)
    {
        if (Fault(certificate) is not { } fault)
        {
            return true;
        }

        log.Warning("A connection with {Peer} was refused: its certificate is not of this cluster ({Reason})", peer, fault);
        return false;
    }

    private string? Fault(X509Certificate2? certificate)
    {
        if (certificate is null)
        {
            return "there is none";
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate)
            ? null
            : string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation.Trim().TrimEnd('.')).Distinct());
    }
}
