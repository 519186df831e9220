using System.Xml.Linq;

namespace FerActors.Deployment.Tests;

/// <summary>The checkout that the deployment files belong to.</summary>
internal static class Checkout
{
    public static string Root { get; } = FindRoot();

    /// <summary>The product's version, which the images carry.</summary>
    public static string Version { get; } =
        XDocument.Load(At("Directory.Build.props")).Descendants("Version").Single().Value;

    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FerActors.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("FerActors.sln is above none of the test's folders.");
    }
}
