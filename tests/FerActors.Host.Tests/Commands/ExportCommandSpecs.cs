using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Commands;

/// <summary><c>fer export</c>, as a user starts it, with the shipped model.</summary>
public sealed class ExportCommandSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-exports-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_shipped_model_leaves_as_one_ONNX_file_after_a_comparison()
    {
        var file = Path.Combine(_folder, "fer.onnx");

        var (code, output, errors) = await FerProcess.RunAsync("export", "onnx", Surroundings.ShippedModel, file);

        Assert.True(code == 0, errors);
        Assert.StartsWith("ONNX Runtime answers as libtorch does on 9 drawn faces: logits differ by at most ", output, StringComparison.Ordinal);
        Assert.True(new FileInfo(file).Length > 4 * 3_000_000);
    }

    [Fact]
    public async Task The_shipped_model_leaves_as_a_folder_for_transformers_and_never_into_a_folder_in_use()
    {
        var folder = Path.Combine(_folder, "fer");

        var (code, _, errors) = await FerProcess.RunAsync("export", "transformers", Surroundings.ShippedModel, folder);
        Assert.True(code == 0, errors);
        Assert.Equal(
            ["README.md", "config.json", "configuration_fer_vit.py", "model.safetensors", "modeling_fer_vit.py", "preprocessor_config.json"],
            Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        (code, _, errors) = await FerProcess.RunAsync("export", "transformers", Surroundings.ShippedModel, folder);
        Assert.Equal(1, code);
        Assert.Equal($"fer: '{folder}' has something in it already; name a new folder.", errors.Trim());
    }

    [Fact]
    public async Task A_folder_without_a_model_is_a_sentence()
    {
        var (code, _, errors) = await FerProcess.RunAsync("export", "onnx", _folder, Path.Combine(_folder, "fer.onnx"));

        Assert.Equal(1, code);
        Assert.Equal($"fer: The model folder '{_folder}' has no model.safetensors.", errors.Trim());
    }
}
