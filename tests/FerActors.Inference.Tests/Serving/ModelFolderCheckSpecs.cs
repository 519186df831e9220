using FerActors.Inference.Serving;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Tests.Serving;

public sealed class ModelFolderCheckSpecs : IDisposable
{
    private readonly RegistryFolder _registry = new();
    private readonly ModelPointer _version;

    public ModelFolderCheckSpecs() => _version = _registry.Add("v1", seed: 1);

    public void Dispose() => _registry.Dispose();

    [Fact]
    public void A_folder_whose_files_are_those_of_the_registry_is_accepted() =>
        Assert.Equal(Path.Combine(_registry.Root, "v1"), ModelFolderCheck.Verify(_registry.Root, _version, default));

    [Theory]
    [InlineData("..")]
    [InlineData("../elsewhere")]
    [InlineData("v1/../../elsewhere")]
    [InlineData("/etc")]
    [InlineData("")]
    [InlineData(".")]
    public void A_folder_outside_the_root_is_refused(string folder) =>
        AssertRefused(_version with { Folder = folder }, "lies outside the registry's root");

    [Fact]
    public void A_folder_beside_the_root_with_the_same_beginning_is_outside()
    {
        var twin = Directory.CreateDirectory(_registry.Root + "-twin");
        try
        {
            AssertRefused(_version with { Folder = "../" + twin.Name }, "lies outside the registry's root");
        }
        finally
        {
            twin.Delete();
        }
    }

    [Fact]
    public void A_link_is_not_followed()
    {
        Directory.CreateSymbolicLink(Path.Combine(_registry.Root, "link"), Path.Combine(_registry.Root, "v1"));

        AssertRefused(_version with { Folder = "link" }, "is a link");
    }

    [Fact]
    public void A_link_among_the_files_is_not_followed_though_what_it_leads_to_is_right()
    {
        var path = Path.Combine(_registry.Root, "v1", ModelPointer.WeightsFile);
        var elsewhere = Path.Combine(_registry.Root, "elsewhere.safetensors");
        File.Move(path, elsewhere);
        File.CreateSymbolicLink(path, elsewhere);

        AssertRefused(_version, $"The file {ModelPointer.WeightsFile} of version v1 is a link");
    }

    [Fact]
    public void Weights_that_are_replaced_between_their_check_and_their_loading_are_refused()
    {
        _registry.Add("v2", seed: 2);
        var loader = new RegistryModelLoader(_registry.Root, new ModelOptions(), []);

        // The check is over when the loading is told of.
        var fault = Assert.Throws<ModelVerificationException>(() => loader.Load(
            _version,
            ["cpu"],
            phase =>
            {
                if (phase == ModelPhase.Loading)
                {
                    File.Copy(
                        Path.Combine(_registry.Root, "v2", ModelPointer.WeightsFile),
                        Path.Combine(_registry.Root, "v1", ModelPointer.WeightsFile),
                        overwrite: true);
                }
            },
            default));

        Assert.Contains("changed while they were loaded", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_changed_byte_is_found()
    {
        var path = Path.Combine(_registry.Root, "v1", ModelPointer.WeightsFile);
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);

        AssertRefused(_version, $"The file {ModelPointer.WeightsFile} of version v1 is not the one that was registered");
    }

    [Fact]
    public void A_missing_folder_a_missing_file_and_a_file_elsewhere_are_refused()
    {
        AssertRefused(_version with { Folder = "v2" }, "has no folder");
        AssertRefused(_version with { Files = With("labels.txt") }, "has no file labels.txt");
        AssertRefused(_version with { Files = With("../v1/config.json") }, "not in its folder");
    }

    [Fact]
    public void A_file_that_the_loader_would_read_must_be_registered()
    {
        AssertRefused(_version with { Files = Without("config.json") }, "no digest of config.json");
        AssertRefused(_version with { Files = Without("preprocessor_config.json") }, "of which the registry knows nothing");
    }

    private Dictionary<string, string> With(string name) => new(_version.Files) { [name] = new string('0', 64) };

    private Dictionary<string, string> Without(string name) => _version.Files.Where(f => f.Key != name).ToDictionary();

    private void AssertRefused(ModelPointer version, string reason) => Assert.Contains(
        reason, Assert.Throws<ModelVerificationException>(() => ModelFolderCheck.Verify(_registry.Root, version, default)).Message, StringComparison.Ordinal);
}
