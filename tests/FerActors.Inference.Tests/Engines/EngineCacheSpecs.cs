using FerActors.Inference.Engines;

namespace FerActors.Inference.Tests.Engines;

public sealed class EngineCacheSpecs : IDisposable
{
    private const string Key = "a processor, 2 threads, some weights";
    private static readonly string[] Known = ["libtorch fp32", "libtorch bf16", "onnxruntime fp32"];
    private static readonly EngineChoice Choice = new("libtorch bf16", ["onnxruntime fp32", "libtorch bf16"]);

    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("fer-engines-").FullName, "below");

    [Fact]
    public void A_choice_is_found_again_for_the_same_key_only()
    {
        var cache = new EngineCache(_folder);

        Assert.Null(cache.TryRead(Key, 2, Known, out var first));
        Assert.Null(cache.TryWrite(Key, Choice));

        var found = new EngineCache(_folder).TryRead(Key, 2, Known, out var warning)!;
        Assert.Equal((Choice.Home, (string?)null, (string?)null), (found.Home, warning, first));
        Assert.Equal(Choice.Engines, found.Engines);
        Assert.Null(cache.TryRead(Key + "!", 2, Known, out _));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"format":2,"key":"KEY","home":"libtorch bf16","engines":["libtorch bf16","libtorch bf16"]}""")]
    [InlineData("""{"format":"1","key":"KEY","home":"libtorch bf16","engines":["libtorch bf16","libtorch bf16"]}""")]
    [InlineData("""{"format":1,"key":"another","home":"libtorch bf16","engines":["libtorch bf16","libtorch bf16"]}""")]
    [InlineData("""{"format":1,"key":"KEY","home":"libtorch int4","engines":["libtorch bf16","libtorch bf16"]}""")]
    [InlineData("""{"format":1,"key":"KEY","home":"libtorch bf16","engines":["libtorch bf16"]}""")]
    [InlineData("""{"format":1,"key":"KEY","home":"libtorch bf16","engines":["libtorch bf16","rm -rf"]}""")]
    [InlineData("""{"format":1,"key":"KEY","home":"libtorch bf16","engines":["libtorch bf16",7]}""")]
    [InlineData("""{"format":1,"key":"KEY","home":"libtorch bf16","engines":["libtorch bf16","\ud800"]}""")]
    [InlineData("""{"format":1,"key":"KEY","home":"libtorch bf16","engines":{"a":[[[[[[1]]]]]]}}""")]
    public void A_file_that_is_not_exactly_what_was_written_counts_as_none_and_is_warned_of(string content)
    {
        var cache = new EngineCache(_folder);
        cache.TryWrite(Key, Choice);
        File.WriteAllText(Assert.Single(Directory.GetFiles(_folder)), content.Replace("KEY", Key, StringComparison.Ordinal));

        Assert.Null(cache.TryRead(Key, 2, Known, out var warning));

        Assert.Contains("damaged", warning, StringComparison.Ordinal);
        Assert.Null(cache.TryWrite(Key, Choice));
        Assert.NotNull(cache.TryRead(Key, 2, Known, out _));
    }

    [Fact]
    public void A_file_that_is_too_large_is_not_read_to_its_end()
    {
        var cache = new EngineCache(_folder);
        cache.TryWrite(Key, Choice);
        var file = Assert.Single(Directory.GetFiles(_folder));
        File.WriteAllText(file, File.ReadAllText(file) + new string(' ', 1 << 20));

        Assert.Null(cache.TryRead(Key, 2, Known, out var warning));
        Assert.Contains("damaged", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_and_a_folder_in_the_place_of_the_file_are_refused()
    {
        var cache = new EngineCache(_folder);
        cache.TryWrite(Key, Choice);
        var file = Assert.Single(Directory.GetFiles(_folder));
        File.Move(file, file + ".real");
        File.CreateSymbolicLink(file, file + ".real");

        Assert.Null(cache.TryRead(Key, 2, Known, out var link));
        File.Delete(file);
        Directory.CreateDirectory(file);
        Assert.Null(cache.TryRead(Key, 2, Known, out var folder));

        Assert.Contains("cannot be read", link, StringComparison.Ordinal);
        Assert.Contains("a folder", folder, StringComparison.Ordinal);
        Assert.Contains("could not be kept", cache.TryWrite(Key, Choice), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder, ".*"));
    }

    [Fact]
    public void Without_a_folder_nothing_is_kept()
    {
        var cache = new EngineCache("");

        Assert.Null(cache.TryWrite(Key, Choice));
        Assert.Null(cache.TryRead(Key, 2, Known, out var warning));
        Assert.Null(warning);
    }

    [Fact]
    public void The_folder_does_not_grow_for_ever_and_files_of_others_stay()
    {
        var cache = new EngineCache(_folder);
        Directory.CreateDirectory(_folder);
        File.WriteAllText(Path.Combine(_folder, "mine.json"), "{}");
        for (var version = 0; version < 70; version++)
        {
            cache.TryWrite($"{Key} {version}", Choice);
        }

        Assert.Equal(65, Directory.GetFiles(_folder).Length);
        Assert.True(File.Exists(Path.Combine(_folder, "mine.json")));
    }

    [Fact]
    public void A_processor_is_told_from_one_of_the_same_name_by_its_instructions()
    {
        static string Name(string flags) => ProcessorName.Read(["processor : 0", "model name\t: AMD EPYC", "model\t\t: 17", $"flags : {flags}", "", "model name : other"]);

        Assert.StartsWith("AMD EPYC, 17, ", Name("avx2 fma"), StringComparison.Ordinal);
        Assert.Equal(Name("avx2 fma"), Name("fma avx2"));
        Assert.NotEqual(Name("avx2 fma"), Name("avx2 fma avx512_bf16"));
        Assert.Equal(ProcessorName.OfThisMachine(), ProcessorName.OfThisMachine());
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);
}
