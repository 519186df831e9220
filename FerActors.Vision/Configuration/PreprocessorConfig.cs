using System.Text.Json;
using FerActors.Shared.Files;

namespace FerActors.Vision.Configuration;

/// <summary>How a picture becomes the network's input: preprocessor_config.json of Hugging Face's <c>ViTImageProcessor</c>.</summary>
/// <remarks>Defaults of absent fields are that processor's: 224x224, bilinear, 1/255, mean and deviation 0.5.</remarks>
public sealed record PreprocessorConfig
{
    /// <summary>Name of the file in a checkpoint's folder.</summary>
    public const string FileName = "preprocessor_config.json";

    private const double DefaultMean = 0.5;

    // Processors with the same steps and defaults. Others crop, or fill absent fields differently.
    private static readonly string[] KnownProcessors = ["ViTImageProcessor", "ViTImageProcessorFast", "ViTFeatureExtractor"];

    public bool DoResize { get; init; } = true;

    /// <summary>Height of the input in pixels.</summary>
    public int Height { get; init; } = 224;

    /// <summary>Width of the input in pixels. The picture is squeezed to both sides, never cropped.</summary>
    public int Width { get; init; } = 224;

    public PilResampling Resample { get; init; } = PilResampling.Bilinear;

    public bool DoRescale { get; init; } = true;

    /// <summary>Pixels of 0 to 255 are multiplied by it; finite and above 0.</summary>
    public double RescaleFactor { get; init; } = 1.0 / 255;

    public bool DoNormalize { get; init; } = true;

    /// <summary>Subtracted from each channel after rescaling; 1 or 3 finite numbers.</summary>
    public IReadOnlyList<double> ImageMean { get; init; } = [DefaultMean, DefaultMean, DefaultMean];

    /// <summary>Each channel is divided by it after that; as many numbers above 0.</summary>
    public IReadOnlyList<double> ImageStd { get; init; } = [DefaultMean, DefaultMean, DefaultMean];

    /// <summary>Channels: the length of <see cref="ImageMean"/>.</summary>
    public int NumChannels => ImageMean.Count;

    /// <summary>The defaults at a network's size and channels.</summary>
    public static PreprocessorConfig For(VitConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new PreprocessorConfig
        {
            Height = config.ImageSize,
            Width = config.ImageSize,
            ImageMean = Repeat(DefaultMean, config.NumChannels),
            ImageStd = Repeat(DefaultMean, config.NumChannels),
        };
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="numChannels">Channels of the network, 1 or 3; the lists must have as many numbers.</param>
    /// <exception cref="VitConfigException">The file cannot be used; all reasons are given.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static PreprocessorConfig Load(string path, int numChannels = 3) =>
        Parse(JsonFields.ReadFile(path), numChannels, Path.GetFileName(path));

    /// <summary>Reads the text of a file.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="numChannels">Channels of the network, 1 or 3; the lists must have as many numbers.</param>
    /// <param name="source">How messages call it.</param>
    /// <exception cref="VitConfigException">The file cannot be used; all reasons are given.</exception>
    public static PreprocessorConfig Parse(ReadOnlyMemory<byte> json, int numChannels = 3, string source = FileName)
    {
        if (numChannels is not (1 or 3))
        {
            throw new ArgumentOutOfRangeException(nameof(numChannels), numChannels, "A network has 1 or 3 channels.");
        }

        return JsonFields.Parse(json, source, (fields, errors) => Read(fields, errors, numChannels));
    }

    /// <summary>Writes the file, as a whole or not at all.</summary>
    /// <exception cref="VitConfigException">The configuration is not valid.</exception>
    public void Save(string path)
    {
        var json = ToJson();
        AtomicFile.Write(path, stream => stream.Write(json));
    }

    /// <summary>The file's text in Hugging Face's newer layout.</summary>
    /// <exception cref="VitConfigException">The configuration is not valid.</exception>
    public byte[] ToJson()
    {
        var errors = Validate();
        return errors.Count == 0
            ? HuggingFaceJson.Write(WriteFields)
            : throw new VitConfigException("The preprocessor configuration", errors);
    }

    /// <summary>What makes the configuration unusable, a sentence each; empty where it is valid.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        if (Height is < 1 or > VitConfigRules.MaxImageSize || Width is < 1 or > VitConfigRules.MaxImageSize)
        {
            errors.Add($"size is {Height}x{Width}; both sides must be 1 to {VitConfigRules.MaxImageSize}.");
        }

        if (!Enum.IsDefined(Resample))
        {
            errors.Add($"resample is {(int)Resample}, not 0 to 5.");
        }

        if (!IsPositive(RescaleFactor))
        {
            errors.Add("rescale_factor is not a finite number above 0.");
        }

        if (ImageMean.Count is not (1 or 3) || ImageStd.Count != ImageMean.Count)
        {
            errors.Add(
                $"image_mean has {ImageMean.Count} numbers and image_std {ImageStd.Count}; both need one for each of 1 or 3 channels.");
        }

        if (!ImageMean.All(double.IsFinite) || !ImageStd.All(IsPositive))
        {
            errors.Add("image_mean has a number that is not finite, or image_std one that is not above 0.");
        }

        return errors;
    }

    /// <summary>Makes sure that the input made by this file is the one that the network takes.</summary>
    /// <exception cref="VitConfigException">Size or channels differ.</exception>
    public void EnsureFits(VitConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var errors = new List<string>();
        if (Height != config.ImageSize || Width != config.ImageSize)
        {
            errors.Add($"size is {Height}x{Width}, but image_size of config.json is {config.ImageSize}.");
        }

        if (NumChannels != config.NumChannels)
        {
            errors.Add($"image_mean has {NumChannels} channels, but num_channels of config.json is {config.NumChannels}.");
        }

        if (errors.Count > 0)
        {
            throw new VitConfigException(FileName, errors);
        }
    }

    /// <summary>Rescaling and normalising in one: a multiplication and an addition for each channel.</summary>
    public ChannelTransform[] ChannelTransforms()
    {
        var factor = DoRescale ? RescaleFactor : 1.0;
        var transforms = new ChannelTransform[NumChannels];
        for (var channel = 0; channel < transforms.Length; channel++)
        {
            transforms[channel] = DoNormalize
                ? new((float)(factor / ImageStd[channel]), (float)(-ImageMean[channel] / ImageStd[channel]))
                : new((float)factor, 0f);
        }

        return transforms;
    }

    private static PreprocessorConfig Read(JsonFields fields, List<string> errors, int numChannels)
    {
        var defaults = new PreprocessorConfig();
        var (height, width) = ReadSize(fields, "size", (defaults.Height, defaults.Width));
        RefuseCropping(fields, (height, width));
        RefuseOtherProcessors(fields);
        var config = new PreprocessorConfig
        {
            DoResize = fields.Bool("do_resize", defaults.DoResize),
            Height = height,
            Width = width,
            Resample = (PilResampling)fields.Int("resample", (int)defaults.Resample),
            DoRescale = fields.Bool("do_rescale", defaults.DoRescale),
            RescaleFactor = fields.Double("rescale_factor", defaults.RescaleFactor),
            DoNormalize = fields.Bool("do_normalize", defaults.DoNormalize),
            ImageMean = ReadChannels(fields, "image_mean", numChannels),
            ImageStd = ReadChannels(fields, "image_std", numChannels),
        };
        errors.AddRange(config.Validate());
        return config;
    }

    private static (int Height, int Width) ReadSize(JsonFields fields, string name, (int Height, int Width) otherwise)
    {
        if (!fields.Has(name))
        {
            return otherwise;
        }

        if (fields.IsNumber(name))
        {
            var side = fields.Int(name, otherwise.Height);
            return (side, side);
        }

        if (fields.Object(name) is not { } size)
        {
            return otherwise;
        }

        if (size.Has("height") && size.Has("width"))
        {
            return (size.Int("height", otherwise.Height), size.Int("width", otherwise.Width));
        }

        if (size.Has("shortest_edge"))
        {
            // A face crop is square, and of a square the shortest edge is both.
            var side = size.Int("shortest_edge", otherwise.Height);
            return (side, side);
        }

        fields.Fault(name, "has neither height and width nor shortest_edge");
        return otherwise;
    }

    private static void RefuseCropping(JsonFields fields, (int Height, int Width) size)
    {
        if (fields.Bool("do_center_crop", otherwise: false) && ReadSize(fields, "crop_size", size) != size)
        {
            fields.Fault("crop_size", "differs from size: cropping is not supported");
        }
    }

    private static void RefuseOtherProcessors(JsonFields fields)
    {
        foreach (var name in new[] { "image_processor_type", "feature_extractor_type" })
        {
            if (fields.Text(name) is { } type && !KnownProcessors.Contains(type, StringComparer.Ordinal))
            {
                fields.Fault(name, $"is '{type}'; supported are {string.Join(", ", KnownProcessors)}");
            }
        }
    }

    private static IReadOnlyList<double> ReadChannels(JsonFields fields, string name, int numChannels)
    {
        if (fields.IsNumber(name))
        {
            return Repeat(fields.Double(name, DefaultMean), numChannels);
        }

        var numbers = fields.Doubles(name, most: 3);
        if (numbers is not null && numbers.Count != numChannels)
        {
            fields.Fault(name, $"has {numbers.Count} numbers for {numChannels} channels");
            numbers = null;
        }

        return numbers ?? Repeat(DefaultMean, numChannels);
    }

    private void WriteFields(Utf8JsonWriter json)
    {
        json.WriteBoolean("do_normalize", DoNormalize);
        json.WriteBoolean("do_rescale", DoRescale);
        json.WriteBoolean("do_resize", DoResize);
        WriteNumbers(json, "image_mean", ImageMean);
        json.WriteString("image_processor_type", KnownProcessors[0]);
        WriteNumbers(json, "image_std", ImageStd);
        json.WriteNumber("resample", (int)Resample);
        json.WriteNumber("rescale_factor", RescaleFactor);
        json.WriteStartObject("size");
        json.WriteNumber("height", Height);
        json.WriteNumber("width", Width);
        json.WriteEndObject();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IReadOnlyList<double> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }

    private static bool IsPositive(double number) => double.IsFinite(number) && number > 0;

    private static double[] Repeat(double number, int count) => [.. Enumerable.Repeat(number, count)];
}
