using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FerActors.Shared.Files;

namespace FerActors.Host.Clustering;

/// <summary>Makes the certificates by which the nodes of one cluster know each other. Every file is readable by its owner alone.</summary>
internal static class CertificateAuthority
{
    public const string CertificateName = "tls.crt";
    public const string KeyName = "tls.key";
    public const string AuthorityName = "ca.crt";
    public const string AuthorityKeyName = "ca.key";

    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";
    private const int SerialBytes = 16;

    // Clocks of machines differ.
    private static readonly TimeSpan Backdated = TimeSpan.FromHours(1);
    private static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(3650);

    /// <summary>
    /// Makes a folder with <c>tls.crt</c>, <c>tls.key</c> and <c>ca.crt</c> for each name, of the authority in <paramref name="folder"/>
    /// (<c>ca.crt</c>, <c>ca.key</c>), which is made where it is absent.
    /// </summary>
    /// <param name="folder">The authority's folder.</param>
    /// <param name="names">One or more names of nodes: letters, digits, '-', '_' and '.'.</param>
    /// <param name="lifetime">How long the nodes' certificates are valid.</param>
    /// <param name="password">Encrypts the nodes' keys where it is given.</param>
    /// <returns>The nodes' folders.</returns>
    /// <exception cref="FormatException">A name is none.</exception>
    /// <exception cref="IOException">A node's folder exists already, or a file cannot be read or written.</exception>
    public static IReadOnlyList<string> Make(string folder, IReadOnlyList<string> names, TimeSpan lifetime, string? password)
    {
        var wrong = names.FirstOrDefault(name => !IsName(name));
        if (wrong is not null)
        {
            throw new FormatException($"'{wrong}' is no name of a node: it must be 1 to 63 letters, digits, '-', '_' or '.'.");
        }

        var folders = names.Select(name => Path.Combine(folder, name)).ToList();
        if (folders.Find(Path.Exists) is { } there)
        {
            throw new IOException($"'{there}' exists already. Remove it for a new certificate of that node.");
        }

        using var authority = OpenOrCreate(folder);
        foreach (var (name, path) in names.Zip(folders))
        {
            Issue(authority, path, name, lifetime, password);
        }

        return folders;
    }

    /// <summary>
    /// Makes one certificate for all nodes of a user and folder, where there is none yet. Its authority signs nothing else: its key is
    /// not kept. Of nodes that start at once, one makes it.
    /// </summary>
    /// <param name="folder">Where the files are.</param>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public static void EnsureLocal(string folder)
    {
        var full = Path.GetFullPath(folder);
        if (Directory.Exists(full))
        {
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        var draft = $"{full}.{Guid.NewGuid():N}";
        using (var authority = CreateAuthority())
        {
            Issue(authority, draft, "local", AuthorityLifetime - TimeSpan.FromDays(1), password: null);
        }

        try
        {
            Directory.Move(draft, full);
        }
        catch (IOException) when (Directory.Exists(full))
        {
            Directory.Delete(draft, recursive: true);
        }
    }

    private static X509Certificate2 OpenOrCreate(string folder)
    {
        var (certificate, key) = (Path.Combine(folder, AuthorityName), Path.Combine(folder, AuthorityKeyName));
        if (File.Exists(certificate) || File.Exists(key))
        {
            try
            {
                return X509Certificate2.CreateFromPemFile(certificate, key);
            }
            catch (CryptographicException e)
            {
                throw new IOException($"'{certificate}' and '{key}' are no certificate and its key: {e.Message}", e);
            }
        }

        var authority = CreateAuthority();
        Write(folder, AuthorityName, authority.ExportCertificatePem());
        Write(folder, AuthorityKeyName, KeyOf(authority).ExportPkcs8PrivateKeyPem());
        return authority;
    }

    private static X509Certificate2 CreateAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=FerActors cluster", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now - Backdated, now + AuthorityLifetime);
    }

    private static void Issue(X509Certificate2 authority, string folder, string name, TimeSpan lifetime, string? password)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));

        // Every node is asked by others and asks others.
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerUse), new Oid(ClientUse)], false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());

        var now = DateTimeOffset.UtcNow;
        var end = now + lifetime < authority.NotAfter ? now + lifetime : authority.NotAfter;
        using var certificate = request.Create(authority, now - Backdated, end, RandomNumberGenerator.GetBytes(SerialBytes));
        Write(folder, CertificateName, certificate.ExportCertificatePem());
        Write(folder, AuthorityName, authority.ExportCertificatePem());
        Write(folder, KeyName, password is null
            ? key.ExportPkcs8PrivateKeyPem()
            : key.ExportEncryptedPkcs8PrivateKeyPem(
                password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, iterationCount: 100_000)));
    }

    private static ECDsa KeyOf(X509Certificate2 certificate) => certificate.GetECDsaPrivateKey()!;

    private static void Write(string folder, string name, string text)
    {
        using var file = OwnerOnlyFiles.Open(folder, name, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write });
        file.Write(Encoding.ASCII.GetBytes(text + "\n"));
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= 63 && char.IsAsciiLetterOrDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
