using System.CommandLine;
using FerActors.Host.Clustering;

namespace FerActors.Host.Commands.Node;

/// <summary><c>fer cluster make-certificates</c>: what a cluster beyond loopback needs.</summary>
internal static class CertificatesCommand
{
    public static Command Create()
    {
        var names = new Argument<string[]>("node")
        {
            Description = "Name of a node, or of nodes that share a certificate: letters, digits, '-', '_', '.'. One or more.",
            Arity = ArgumentArity.OneOrMore,
        };
        var folder = new Option<string>("--folder")
        {
            Description = "The authority's folder, which gets a folder for each name. An authority that is there signs again.",
            DefaultValueFactory = _ => "certificates",
        };
        var days = new Option<int>("--days") { Description = "Days that the nodes' certificates are valid.", DefaultValueFactory = _ => 730 };
        var password = new Option<string?>("--password-file") { Description = "File with the password that encrypts the nodes' keys." };
        var command = new Command("make-certificates", "Makes the certificates by which the nodes of a cluster know each other.")
        {
            names,
            folder,
            days,
            password,
        };
        command.SetAction((parsed, _) =>
        {
            var lifetime = parsed.GetValue(days) is >= 1 and <= 3650 and var given
                ? TimeSpan.FromDays(given)
                : throw new FormatException("--days is from 1 to 3650.");
            var secret = parsed.GetValue(password) is { } file ? File.ReadAllText(file).TrimEnd('\r', '\n') : null;
            var root = parsed.GetRequiredValue(folder);
            var output = parsed.InvocationConfiguration.Output;
            foreach (var made in CertificateAuthority.Make(root, parsed.GetRequiredValue(names), lifetime, secret))
            {
                output.WriteLine(
                    $"{made}: give the node --set Cluster:CertificateFile={Path.Combine(made, CertificateAuthority.CertificateName)} "
                    + $"--set Cluster:CertificateKeyFile={Path.Combine(made, CertificateAuthority.KeyName)} "
                    + $"--set Cluster:AuthorityFile={Path.Combine(made, CertificateAuthority.AuthorityName)}");
            }

            output.WriteLine(
                $"Keep {Path.Combine(root, CertificateAuthority.AuthorityKeyName)} away from the nodes: whoever has it can make members.");
            return Task.FromResult(0);
        });
        return command;
    }
}
