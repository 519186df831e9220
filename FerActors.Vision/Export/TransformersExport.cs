using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Vision.Export;

/// <summary>
/// Writes a model folder as one that Hugging Face's <c>transformers</c> loads: as its own <c>ViTForImageClassification</c> where the model is a
/// plain ViT, else with the code of the convolutional stem beside it (<c>trust_remote_code=True</c>).
/// </summary>
/// <remarks>
/// Three things change so that an ordinary picture and a plain softmax give FerActors' answer there, without more code. A network of one channel
/// gets three: its first convolution times the luma of ITU-R BT.601, by which FerActors and Pillow make gray of colours. The classifier is
/// divided by the temperature. The weights are fp32.
/// </remarks>
public static class TransformersExport
{
    /// <summary>Largest difference of a probability, and of a logit over the temperature, between the exported folder and the model.</summary>
    public const double Tolerance = 1e-3;

    private const string CardFileName = "README.md";
    private const string ConfigurationCode = "configuration_fer_vit.py";
    private const string ModelingCode = "modeling_fer_vit.py";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };

    private static readonly float[] Luma = [0.299f, 0.587f, 0.114f];

    /// <summary>Writes the folder as a whole or not at all.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="target">The folder to make; it must not exist, or be empty.</param>
    /// <returns>How far the answers of the new folder are from those of the old, both by libtorch.</returns>
    /// <exception cref="CheckpointException">The model folder cannot be used, or the target has files already.</exception>
    /// <exception cref="InvalidOperationException">The answers differ; nothing was written.</exception>
    public static ExportComparison Write(string folder, string target)
    {
        ArgumentException.ThrowIfNullOrEmpty(target);
        target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
        {
            throw new CheckpointException($"'{target}' has something in it already; name a new folder.");
        }

        using var checkpoint = VitCheckpoint.Load(folder);
        var parent = Path.GetDirectoryName(target) ?? throw new CheckpointException("The root of the file system is no folder to export to.");
        Directory.CreateDirectory(parent);
        var draft = Path.Combine(parent, $".{Path.GetFileName(target)}.{Guid.NewGuid():N}.tmp");
        try
        {
            Fill(draft, folder, checkpoint);
            var comparison = Compare(checkpoint, draft);
            comparison.EnsureWithin(Tolerance, "the exported folder");
            if (Directory.Exists(target))
            {
                Directory.Delete(target);
            }

            Directory.Move(draft, target);
            return comparison;
        }
        finally
        {
            if (Directory.Exists(draft))
            {
                Directory.Delete(draft, recursive: true);
            }
        }
    }

    /// <summary>The answers of an exported folder beside those of the model, on drawn faces.</summary>
    internal static ExportComparison Compare(VitCheckpoint checkpoint, string exported)
    {
        var faces = DrawnFaces.Of(checkpoint.Model.Config.ImageSize);
        using var other = VitCheckpoint.Load(exported);
        var (expected, actual) = (ExportAnswers.Of(checkpoint, faces), ExportAnswers.Of(other, faces));
        var temperature = (float)checkpoint.Model.Config.FerActors.Temperature;
        return ExportComparison.Between(expected with { Logits = [.. expected.Logits.Select(logit => logit / temperature)] }, actual, faces.Count);
    }

    private static void Fill(string draft, string folder, VitCheckpoint checkpoint)
    {
        using (var model = InColour(checkpoint.Model))
        {
            VitCheckpoint.Save(draft, model, checkpoint.Preprocessor with { ImageMean = InColour(checkpoint.Preprocessor.ImageMean), ImageStd = InColour(checkpoint.Preprocessor.ImageStd) }, half: false);
        }

        // Gray pictures, and those with transparency, are pictures too.
        Change(Path.Combine(draft, PreprocessorConfig.FileName), json => json["do_convert_rgb"] = true);
        var hasStem = checkpoint.Model.Config.ConvStem is not null;
        if (hasStem)
        {
            Change(Path.Combine(draft, VitConfig.FileName), json => json["auto_map"] = new JsonObject
            {
                ["AutoConfig"] = Reference(ConfigurationCode, "FerViTConfig"),
                ["AutoModelForImageClassification"] = Reference(ModelingCode, VitConfig.ConvStemArchitecture),
            });
            CopyCode(draft, ConfigurationCode);
            CopyCode(draft, ModelingCode);
        }

        var card = Path.Combine(folder, CardFileName);
        var text = File.Exists(card) ? File.ReadAllText(card).TrimEnd() + "\n\n" : "";
        File.WriteAllText(Path.Combine(draft, CardFileName), text + Usage(checkpoint, hasStem));
    }

    private static Vit InColour(Vit model)
    {
        using var noGrad = no_grad();
        var config = model.Config;
        var first = config.ConvStem is null ? CheckpointKeys.ProjectionWeight : CheckpointKeys.InStem(0, 0, norm: false, "weight");
        var tensors = new Dictionary<string, Tensor>();
        foreach (var (name, weights) in model.Tensors)
        {
            using var scope = NewDisposeScope();
            var changed = weights.detach().clone();
            if (name == first && config.NumChannels == 1)
            {
                changed = changed * tensor(Luma, [1, Luma.Length, 1, 1]);
            }
            else if (CheckpointKeys.ClassifierNames.Contains(name))
            {
                changed = changed.Times(1 / config.FerActors.Temperature);
            }

            tensors[name] = changed.contiguous().DetachFromDisposeScope();
        }

        return Vit.FromTensors(config with { NumChannels = Luma.Length, FerActors = config.FerActors with { Temperature = 1 } }, tensors);
    }

    private static double[] InColour(IReadOnlyList<double> channels) => [.. Luma.Select((_, channel) => channels[channels.Count == 1 ? 0 : channel])];

    private static string Reference(string file, string type) => $"{Path.GetFileNameWithoutExtension(file)}.{type}";

    private static void Change(string path, Action<JsonObject> change)
    {
        var json = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
        change(json);
        File.WriteAllText(path, json.ToJsonString(Indented) + "\n", new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
    }

    private static void CopyCode(string draft, string name)
    {
        using var code = typeof(TransformersExport).Assembly.GetManifestResourceStream(name)!;
        using var file = File.Create(Path.Combine(draft, name));
        code.CopyTo(file);
    }

    private static string Usage(VitCheckpoint checkpoint, bool hasStem)
    {
        var trust = hasStem ? ", trust_remote_code=True" : "";
        var config = checkpoint.Model.Config;
        return $"""
            ## Use with transformers

            ```python
            from PIL import Image
            from transformers import AutoImageProcessor, AutoModelForImageClassification

            processor = AutoImageProcessor.from_pretrained(FOLDER)
            model = AutoModelForImageClassification.from_pretrained(FOLDER{trust}).eval()
            inputs = processor(Image.open("face.png"), return_tensors="pt")
            probabilities = model(**inputs).logits.softmax(-1)[0]
            print({"{"}model.config.id2label[i]: round(p.item(), 3) for i, p in enumerate(probabilities){"}"})
            ```

            The picture is one aligned face of {config.ImageSize} x {config.ImageSize} pixels, in gray or in colours; finding and aligning it is
            FerActors' part. The probabilities are calibrated. FerActors exported this folder from weights with the SHA-256
            `{checkpoint.WeightsSha256}`.

            """.ReplaceLineEndings("\n");
    }
}
