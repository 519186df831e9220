using System.Diagnostics;
using FerActors.Control.Registry;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using FerActors.Testing.Files;
using FerActors.Testing.Models;
using FerActors.Training.Evaluation;
using FerActors.Training.Registration;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Control.Tests.Registry;

public sealed class ModelStoreSpecs : IDisposable
{
    private static readonly ModelVersionId V1 = ModelVersionId.Parse("v1");
    private static readonly ModelProvenance Provenance = new("d", "c0ffee", "v0", "fer train", "run-1");

    private readonly TemporaryFolder _root = new();
    private readonly TemporaryFolder _outside = new();
    private readonly string _source;
    private readonly ModelStore _store;

    public ModelStoreSpecs()
    {
        _source = SmallModel.Write(Path.Combine(_outside.Root, "model"), 1);
        _store = new ModelStore(new RegistryOptions { Root = _root.Root }, new VitModelInspector());
    }

    private string Version => Path.Combine(_root.Root, "v1");

    public void Dispose()
    {
        _root.Dispose();
        _outside.Dispose();
    }

    [Fact]
    public void A_model_folder_becomes_a_version_that_loads_and_tells_its_figures()
    {
        File.WriteAllText(Path.Combine(_source, "pytorch_model.bin"), "a pickle");
        File.WriteAllText(Path.Combine(_source, ".hidden"), "");

        var manifest = _store.Import(V1, _source, Provenance);

        Assert.Equal(
            ["README.md", "config.json", "metrics.json", "model.safetensors", "preprocessor_config.json"],
            manifest.Files.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(manifest.Files.Keys.Sum(n => new FileInfo(Path.Combine(_source, n)).Length), manifest.Bytes);
        var metrics = manifest.Metrics!;
        Assert.Equal((0.75, "public_test/plain", "da7a"), (metrics.Accuracy, metrics.Evaluation, metrics.DataSha256));
        Assert.Equal(["happy"], metrics.Recalls.Keys);
        Assert.True(metrics.MsPerFace > 0);
        Assert.Equal(Provenance, manifest.Provenance);
        Assert.Equal(manifest.ToJson(), File.ReadAllBytes(Path.Combine(Version, ModelManifest.FileName)));
        using var loaded = VitCheckpoint.Load(Version);
        Assert.Equal(manifest.Pointer.WeightsSha256, loaded.WeightsSha256);
        Assert.Empty(_store.Verify(manifest));
        Assert.Equal([Version], Directory.GetFileSystemEntries(_root.Root));
    }

    [SkippableFact]
    public void Its_files_are_read_only()
    {
        Skip.If(OperatingSystem.IsWindows());
        _store.Import(V1, _source, Provenance);

        Assert.All(
            Directory.GetFiles(Version),
            path => Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
                OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(path)));
    }

    [Fact]
    public void The_same_content_is_taken_twice_and_other_content_is_refused()
    {
        var first = _store.Import(V1, _source, Provenance);

        Assert.Equal(first.ToJson(), _store.Import(V1, _source, ModelProvenance.Unknown, bound: first).ToJson());
        Assert.Equal(first.ToJson(), _store.Import(V1, _source, ModelProvenance.Unknown).ToJson());
        var other = SmallModel.Write(Path.Combine(_outside.Root, "other"), 2);
        AssertRefused(RegistryCode.Refused, "other content", () => _store.Import(V1, other, Provenance, bound: first));
        AssertRefused(RegistryCode.Refused, "other content", () => _store.Import(V1, other, Provenance));
        Assert.Empty(_store.Verify(first));
    }

    [Fact]
    public void The_name_of_a_deleted_version_stays_bound_to_its_content()
    {
        var first = _store.Import(V1, _source, Provenance);
        _store.Delete(V1);
        Assert.Empty(Directory.GetFileSystemEntries(_root.Root));

        AssertRefused(
            RegistryCode.Refused,
            "other content",
            () => _store.Import(V1, SmallModel.Write(Path.Combine(_outside.Root, "other"), 2), Provenance, bound: first));
        Assert.Empty(Directory.GetFileSystemEntries(_root.Root));
        Assert.Equal(first.Files, _store.Import(V1, _source, Provenance, bound: first).Files);
    }

    [Fact]
    public void Damage_is_found_and_the_same_content_mends_it()
    {
        var manifest = _store.Import(V1, _source, Provenance);
        var weights = Path.Combine(Version, VitCheckpoint.WeightsFileName);
        Overwrite(weights);
        File.Delete(Path.Combine(Version, "README.md"));
        File.WriteAllText(Path.Combine(Version, "extra.txt"), "");

        var faults = _store.Verify(manifest);

        Assert.Equal(3, faults.Count);
        Assert.Contains(faults, f => f.Contains("model.safetensors of v1 is not what was registered", StringComparison.Ordinal));
        Assert.Contains(faults, f => f.Contains("README.md", StringComparison.Ordinal));
        Assert.Contains(faults, f => f.Contains("'extra.txt'", StringComparison.Ordinal));
        _store.Import(V1, _source, Provenance, bound: manifest);
        Assert.Empty(_store.Verify(manifest));
    }

    [Theory]
    [InlineData(VitConfig.FileName)]
    [InlineData(PreprocessorConfig.FileName)]
    [InlineData(VitCheckpoint.WeightsFileName)]
    public void A_folder_without_one_of_the_three_files_is_refused(string name)
    {
        File.Delete(Path.Combine(_source, name));

        AssertRefused(RegistryCode.Invalid, $"has no {name}", () => _store.Import(V1, _source, Provenance));
    }

    [Theory]
    [InlineData(VitConfig.FileName, "{}")]
    [InlineData(VitConfig.FileName, "{")]
    [InlineData(PreprocessorConfig.FileName, "[]")]
    [InlineData(VitCheckpoint.WeightsFileName, "pickle")]
    [InlineData(MetricsJson.FileName, "{}")]
    [InlineData(MetricsJson.FileName, "no json")]
    public void A_folder_with_a_wrong_file_is_refused_and_leaves_nothing(string name, string content)
    {
        File.WriteAllText(Path.Combine(_source, name), content);

        AssertRefused(RegistryCode.Invalid, "", () => _store.Import(V1, _source, Provenance));
    }

    [Fact]
    public void A_model_with_weights_that_are_no_numbers_is_refused()
    {
        using (var model = Vit.Create(SmallModel.Config, 1))
        {
            using var guard = TorchSharp.torch.no_grad();
            model.Tensors["classifier.bias"].fill_(float.NaN);
            VitCheckpoint.Save(_source, model, PreprocessorConfig.For(SmallModel.Config), half: false);
        }

        AssertRefused(RegistryCode.Invalid, "not finite", () => _store.Import(V1, _source, Provenance));
    }

    [Fact]
    public void Weights_of_another_hash_than_expected_are_refused()
    {
        AssertRefused(RegistryCode.Invalid, "as expected", () => _store.Import(V1, _source, Provenance, new string('0', 64)));
        var digest = _store.Import(V1, _source, Provenance).Pointer.WeightsSha256;

        Assert.Equal(digest, _store.Import(V1, _source, Provenance, digest.ToUpperInvariant()).Pointer.WeightsSha256);
    }

    [Fact]
    public void More_bytes_than_allowed_are_refused_while_they_are_copied()
    {
        File.WriteAllBytes(Path.Combine(_source, "big.txt"), new byte[2 << 20]);
        var store = new ModelStore(new RegistryOptions { Root = _root.Root, MaxVersionBytes = 1 << 20 }, new VitModelInspector());

        AssertRefused(RegistryCode.Invalid, "at most 1048576 bytes", () => store.Import(V1, _source, Provenance));
    }

    [Fact]
    public void More_files_than_a_version_may_have_are_refused()
    {
        for (var i = 0; i < 64; i++)
        {
            File.WriteAllText(Path.Combine(_source, $"{i}.txt"), "");
        }

        AssertRefused(RegistryCode.Invalid, "more than 64 files", () => _store.Import(V1, _source, Provenance));
    }

    [SkippableFact]
    public void Links_are_refused_in_place_of_the_folder_a_file_and_a_version()
    {
        Skip.If(OperatingSystem.IsWindows());
        var link = Path.Combine(_outside.Root, "link");
        Directory.CreateSymbolicLink(link, _source);
        AssertRefused(RegistryCode.Invalid, "is a link", () => _store.Import(V1, link, Provenance));

        var manifest = _store.Import(V1, _source, Provenance);
        var readme = Path.Combine(Version, "README.md");
        File.Delete(readme);
        File.CreateSymbolicLink(readme, Path.Combine(_source, "README.md"));
        Assert.Contains("is a link", Assert.Single(_store.Verify(manifest)), StringComparison.Ordinal);

        File.CreateSymbolicLink(Path.Combine(_source, "notes.txt"), "/etc/passwd");
        AssertRefused(RegistryCode.Invalid, "notes.txt is a link", () => _store.Import(ModelVersionId.Parse("v2"), _source, Provenance));
    }

    [SkippableFact]
    public void A_pipe_is_refused_without_waiting_for_a_writer()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        using (var make = Process.Start("mkfifo", Path.Combine(_source, "notes.txt")))
        {
            make.WaitForExit();
        }

        AssertRefused(RegistryCode.Invalid, "a named pipe", () => _store.Import(V1, _source, Provenance));
    }

    [Theory]
    [InlineData("model")]
    [InlineData("../model")]
    [InlineData("/there/is/no/such/folder")]
    public void A_source_that_is_relative_or_not_there_is_refused(string source) =>
        AssertRefused(RegistryCode.Invalid, "", () => _store.Import(V1, source, Provenance));

    [Theory]
    [InlineData("../../etc/passwd.txt")]
    [InlineData("/etc/hosts.txt")]
    [InlineData("manifest.json")]
    [InlineData("model.bin")]
    [InlineData(".config.json")]
    [InlineData("a/b.json")]
    public void A_manifest_cannot_name_what_is_not_the_versions(string name)
    {
        var manifest = _store.Import(V1, _source, Provenance);

        var files = new Dictionary<string, string>(manifest.Files.ToDictionary()) { [name] = "00" };

        var faults = _store.Verify(manifest with { Files = files });

        Assert.Contains("no version can have", Assert.Single(faults), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("manifest.json")]
    public void A_full_disk_leaves_nothing_and_the_next_import_works(string full)
    {
        var store = new ModelStore(new RegistryOptions { Root = _root.Root }, new VitModelInspector())
        {
            Create = path => new FullDisk(path, failing: Path.GetFileName(path) == full),
        };

        var error = Assert.Throws<IOException>(() => store.Import(V1, _source, Provenance));
        Assert.Contains("No space", error.Message, StringComparison.Ordinal);

        Assert.Empty(Directory.GetFileSystemEntries(_root.Root));
        Assert.Empty(_store.Verify(_store.Import(V1, _source, Provenance)));
    }

    [Fact]
    public void A_cancelled_import_leaves_nothing()
    {
        Assert.Throws<OperationCanceledException>(() => _store.Import(V1, _source, Provenance, cancellation: new CancellationToken(true)));

        Assert.Empty(Directory.GetFileSystemEntries(_root.Root));
    }

    [Fact]
    public void A_sweep_takes_half_copies_and_deleted_versions_and_nothing_else()
    {
        var v2 = ModelVersionId.Parse("v2");
        _store.Import(V1, _source, Provenance);
        _store.Import(v2, _source, Provenance);
        foreach (var name in new[] { ".import-v3-0", ".deleted-v4-0", ".git", "notes", "v5" })
        {
            _root.Write($"{name}/a.txt", [1]);
        }

        Assert.Equal(3, _store.Sweep([v2, ModelVersionId.Parse("v9")]));

        Assert.Equal(
            [".git", "notes", "v1", "v5"],
            Directory.GetFileSystemEntries(_root.Root).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal));
    }

    private static void Overwrite(string path)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.Delete(path);
        File.WriteAllBytes(path, bytes);
    }

    private void AssertRefused(RegistryCode code, string expected, Action import)
    {
        var error = Assert.Throws<ModelStoreException>(import);
        Assert.Equal(code, error.Code);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_root.Root), p => Path.GetFileName(p).StartsWith('.'));
    }

    private sealed class FullDisk(string path, bool failing)
        : FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1)
    {
        public override void Write(byte[] buffer, int offset, int count)
        {
            Fail();
            base.Write(buffer, offset, count);
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Fail();
            base.Write(buffer);
        }

        private void Fail()
        {
            if (failing)
            {
                throw new IOException("No space left on device");
            }
        }
    }
}
