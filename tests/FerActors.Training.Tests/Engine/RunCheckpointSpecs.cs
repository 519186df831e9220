using FerActors.Testing.Files;
using FerActors.Training.Engine;
using FerActors.Vision.Safetensors;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

public sealed class RunCheckpointSpecs : IDisposable
{
    private const string Current = "checkpoint.safetensors";
    private const string Previous = "checkpoint.previous.safetensors";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_saved_is_loaded_to_the_bit()
    {
        Save(step: 7);
        var loaded = Vectors(0);

        var (state, warning) = new RunCheckpoint(_folder.Root).Load(loaded);

        Assert.Null(warning);
        Assert.Equal(State(7).ToJson(), state.ToJson());
        Assert.All(Vectors(7), v => Assert.Equal(TinyRun.Values(v.Value), TinyRun.Values(loaded[v.Key])));
    }

    [Fact]
    public void A_new_folder_has_no_checkpoint_and_says_so()
    {
        var checkpoint = new RunCheckpoint(_folder.Root);

        Assert.False(checkpoint.Exists);
        var fault = Assert.Throws<SafetensorsFormatException>(() => checkpoint.Load(Vectors(0)));
        Assert.StartsWith("There is no checkpoint in", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_newest_is_used_and_the_one_before_is_kept()
    {
        Save(step: 1);
        Save(step: 2);
        Save(step: 3);

        Assert.Equal(3, Load().Step);
        File.Delete(Path.Combine(_folder.Root, Current));
        Assert.Equal(2, Load().Step);
        Assert.Equal([Previous], Directory.GetFiles(_folder.Root).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(-1)]
    public void A_truncated_checkpoint_is_passed_over(int length)
    {
        Save(step: 1);
        Save(step: 2);
        Edit(Current, bytes => bytes[..(length < 0 ? bytes.Length + length : length)]);

        Assert.Equal(1, Load(out var warning).Step);
        Assert.Contains($"{Current} cannot be used", warning, StringComparison.Ordinal);
        Assert.Contains("The checkpoint before is used.", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.6)]
    [InlineData(0.999)]
    public void A_checkpoint_with_one_flipped_bit_is_passed_over(double place)
    {
        Save(step: 1);
        Save(step: 2);
        Edit(Current, bytes =>
        {
            // Beyond the header, where the format itself has no rule that could be broken.
            var header = 8 + BitConverter.ToInt64(bytes);
            bytes[header + (long)((bytes.Length - header) * place)] ^= 0x10;
            return bytes;
        });

        Assert.Equal(1, Load(out var warning).Step);
        Assert.Contains("does not match its digest", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flipped_bit_in_the_state_is_found_too()
    {
        Save(step: 1);
        Save(step: 2);
        Edit(Current, bytes =>
        {
            var text = System.Text.Encoding.Latin1.GetString(bytes);
            var changed = text.Replace("data-2", "data-3", StringComparison.Ordinal);
            Assert.NotEqual(text, changed);
            return System.Text.Encoding.Latin1.GetBytes(changed);
        });

        Assert.Equal(1, Load(out _).Step);
    }

    [Fact]
    public void A_damaged_file_never_takes_the_place_of_the_good_one()
    {
        Save(step: 1);
        Save(step: 2);
        Edit(Current, bytes => bytes[..^1]);
        var checkpoint = new RunCheckpoint(_folder.Root);
        checkpoint.Load(Vectors(0));

        checkpoint.Save(State(3), Vectors(3));

        Edit(Current, bytes => bytes[..^1]);
        Assert.Equal(1, Load().Step);
    }

    [Fact]
    public void Two_damaged_files_are_both_named_and_the_vectors_stay_untouched()
    {
        Save(step: 1);
        Save(step: 2);
        Edit(Current, bytes => bytes[..^1]);
        Edit(Previous, bytes =>
        {
            bytes[^1] ^= 1;
            return bytes;
        });
        var vectors = Vectors(9);

        var fault = Assert.Throws<SafetensorsFormatException>(() => new RunCheckpoint(_folder.Root).Load(vectors));

        Assert.Contains($"{Current} cannot be used", fault.Message, StringComparison.Ordinal);
        Assert.Contains($"{Previous} cannot be used", fault.Message, StringComparison.Ordinal);
        Assert.All(Vectors(9), v => Assert.Equal(TinyRun.Values(v.Value), TinyRun.Values(vectors[v.Key])));
    }

    [Fact]
    public void A_checkpoint_of_another_model_is_refused()
    {
        Save(step: 1);
        var larger = new Dictionary<string, Tensor> { ["values"] = zeros(6), ["average"] = zeros(6) };

        var fault = Assert.Throws<SafetensorsFormatException>(() => new RunCheckpoint(_folder.Root).Load(larger));

        Assert.Contains("does not fit this run's model", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_safetensors_file_of_something_else_is_refused()
    {
        SafetensorsWriter.Write(Path.Combine(_folder.Root, Current), [TensorData.FromFloat32("values", [1], [1f])]);

        var fault = Assert.Throws<SafetensorsFormatException>(() => new RunCheckpoint(_folder.Root).Load(Vectors(0)));

        Assert.Contains("It is no checkpoint of a training run", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_save_that_fails_leaves_the_checkpoint_before()
    {
        Save(step: 1);
        // Where the new file would be written stands a folder.
        Directory.CreateDirectory(Path.Combine(_folder.Root, Current + ".new", "in the way"));

        Assert.ThrowsAny<IOException>(() => Save(step: 2));

        Assert.Equal(1, Load().Step);
    }

    private void Save(long step) => new RunCheckpoint(_folder.Root).Save(State(step), Vectors(step));

    private RunState Load() => Load(out _);

    private RunState Load(out string? warning)
    {
        var (state, said) = new RunCheckpoint(_folder.Root).Load(Vectors(0));
        warning = said;
        return state;
    }

    private void Edit(string name, Func<byte[], byte[]> edit)
    {
        var path = Path.Combine(_folder.Root, name);
        File.WriteAllBytes(path, edit(File.ReadAllBytes(path)));
    }

    private static RunState State(long step) => new(
        "{}",
        $"data-{step}",
        Epoch: 1,
        Batch: 2,
        Step: step,
        LossSum: 0.1 + step,
        Seconds: 1.5,
        History: [new(1, step, 1.9, 1e-4, 0.5, 0.4, 1.7, 3)]);

    // Values with all kinds of mantissas, so that a lost bit shows.
    private static Dictionary<string, Tensor> Vectors(long step) => new[] { "values", "average" }.ToDictionary(
        name => name, name => tensor(Enumerable.Range(0, 40).Select(i => MathF.Sin(i + (step * 100) + name.Length)).ToArray()));
}
