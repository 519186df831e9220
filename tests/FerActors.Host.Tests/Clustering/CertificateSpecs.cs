using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Akka.Event;
using FerActors.Host.Clustering;
using FerActors.Shared.Options;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Clustering;

/// <summary>The certificates of a cluster: how they are made, and whom a node believes.</summary>
public sealed class CertificateSpecs : IDisposable
{
    private const string Password = "s3cret-of-the-key";

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-certificates-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_command_makes_certificates_that_only_their_owner_can_read_and_nodes_believe_each_other_by_them()
    {
        var (code, output, errors) = await FerProcess.RunAsync("cluster", "make-certificates", "node-1", "node-2", "--folder", _folder);

        Assert.Equal((0, ""), (code, errors));
        Assert.Contains($"Cluster:CertificateFile={Path.Combine(_folder, "node-1", "tls.crt")}", output, StringComparison.Ordinal);
        Assert.True(Accepts(Load("node-1"), "node-2"));
        Assert.True(Accepts(Load("node-2"), "node-1"));
        if (!OperatingSystem.IsWindows())
        {
            foreach (var file in Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories))
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }
    }

    [Fact]
    public void An_authority_that_is_there_signs_again_and_no_certificate_is_overwritten()
    {
        Make("node-1");
        Make("node-2");

        Assert.True(Accepts(Load("node-1"), "node-2"));
        Assert.Contains("exists already", Assert.Throws<IOException>(() => Make("node-1")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_of_another_authority_is_refused()
    {
        Make("node-1");
        CertificateAuthority.Make(Path.Combine(_folder, "others"), ["node-1"], TimeSpan.FromDays(1), null);

        Assert.False(Accepts(Load("node-1"), Path.Combine("others", "node-1")));
        Assert.False(Load("node-1").Tls.CustomValidator!(null, null, "peer", SslPolicyErrors.None, NoLogger.Instance));
    }

    [Fact]
    public void A_certificate_that_has_ended_is_refused_from_others_and_as_the_node_s_own()
    {
        Make("node-1");
        CertificateAuthority.Make(_folder, ["old"], TimeSpan.FromMinutes(-30), null);

        Assert.False(Accepts(Load("node-1"), "old"));
        Assert.Contains("would refuse", Assert.Throws<IOException>(() => Load("old")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_has_its_password_from_a_file_or_the_environment_and_no_message_shows_it()
    {
        CertificateAuthority.Make(_folder, ["node-1"], TimeSpan.FromDays(1), Password);
        var file = Path.Combine(_folder, "password");
        File.WriteAllText(file, Password + "\n");

        Assert.NotNull(ClusterIdentity.Load(Options("node-1") with { CertificateKeyPasswordFile = file }));
        Assert.NotNull(ClusterIdentity.Load(Options("node-1") with { CertificateKeyPassword = Password }));
        var wrong = Assert.Throws<IOException>(() => ClusterIdentity.Load(Options("node-1") with { CertificateKeyPassword = Password + "x" }));
        Assert.DoesNotContain(Password, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_nodes_that_start_at_once_in_one_folder_all_get_the_same_certificate()
    {
        var options = new ClusterOptions { Alone = false, CertificateFolder = Path.Combine(_folder, "local") };

        var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => ClusterIdentity.Load(options)!.Tls.Certificate.Thumbprint)));

        Assert.Single(all.Distinct());
        Assert.Equal(["local"], Directory.EnumerateFileSystemEntries(_folder).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("../node")]
    [InlineData("")]
    [InlineData("a b")]
    public void What_is_no_name_is_refused(string name) => Assert.Throws<FormatException>(() => Make(name));

    private void Make(string name) => CertificateAuthority.Make(_folder, [name], TimeSpan.FromDays(1), null);

    private ClusterOptions Options(string name) => new()
    {
        Alone = false,
        CertificateFile = Path.Combine(_folder, name, "tls.crt"),
        CertificateKeyFile = Path.Combine(_folder, name, "tls.key"),
        AuthorityFile = Path.Combine(_folder, name, "ca.crt"),
    };

    private ClusterIdentity Load(string name) => ClusterIdentity.Load(Options(name))!;

    private bool Accepts(ClusterIdentity node, string other)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_folder, other, "tls.crt"));
        return node.Tls.CustomValidator!(certificate, null, "peer", SslPolicyErrors.None, NoLogger.Instance);
    }
}
