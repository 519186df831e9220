using System.Text.Json.Nodes;
using FerActors.Testing.Models;
using FerActors.Testing.Processes;

namespace FerActors.Cluster.Tests;

/// <summary>Model folders whose answers to the same picture differ.</summary>
internal sealed class ModelFolders : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-models-").FullName;

    public ModelFolders()
    {
        Warm = Directory.CreateDirectory(Path.Combine(_folder, "warm")).FullName;
        foreach (var file in Directory.GetFiles(Surroundings.ShippedModel))
        {
            File.Copy(file, Path.Combine(Warm, Path.GetFileName(file)));
        }

        var path = Path.Combine(Warm, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        config["fer_actors"]!["temperature"] = 3.0;
        File.WriteAllText(path, config.ToJsonString());
        Small = SmallModel.Write(Path.Combine(_folder, "small"), seed: 7);
    }

    /// <summary>The shipped model with a higher temperature: less sure of everything.</summary>
    public string Warm { get; }

    /// <summary>Other weights, another size of the network and of its pictures.</summary>
    public string Small { get; }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
