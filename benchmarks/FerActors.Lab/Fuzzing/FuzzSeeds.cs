using System.Globalization;
using System.Text;
using FerActors.Control.Wire;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Vision.Native;
using FerActors.Vision.Safetensors;
using OpenCvSharp;

namespace FerActors.Lab.Fuzzing;

/// <summary>Good inputs of every kind, small, so that a mutation often hits something that means something.</summary>
internal static class FuzzSeeds
{
    private const int Side = 12;

    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public static IReadOnlyList<byte[]> Images()
    {
        OpenCvRuntime.EnsureLoaded();
        using var color = new Mat(Side, Side + 3, MatType.CV_8UC3, new Scalar(40, 90, 200));
        Cv2.Circle(color, new Point(6, 6), 4, Scalar.All(220), -1);
        using var gray = new Mat();
        Cv2.CvtColor(color, gray, ColorConversionCodes.BGR2GRAY);
        using var deep = new Mat();
        color.ConvertTo(deep, MatType.CV_16UC3, 257);
        using var alpha = new Mat();
        Cv2.CvtColor(color, alpha, ColorConversionCodes.BGR2BGRA);
        var jpeg = color.ImEncode(".jpg");
        return
        [
            jpeg,
            Turned(jpeg),
            color.ImEncode(".jpg", new ImageEncodingParam(ImwriteFlags.JpegProgressive, 1)),
            gray.ImEncode(".jpg"),
            color.ImEncode(".png"),
            gray.ImEncode(".png"),
            deep.ImEncode(".png"),
            alpha.ImEncode(".png"),
            color.ImEncode(".webp", new ImageEncodingParam(ImwriteFlags.WebPQuality, 80)),
            alpha.ImEncode(".webp", new ImageEncodingParam(ImwriteFlags.WebPQuality, 101)),
            color.ImEncode(".bmp"),
            gray.ImEncode(".bmp"),
        ];
    }

    public static IReadOnlyList<byte[]> Headers() =>
    [
        Text("x-fer-faces=s:largest\nx-fer-include=s:landmarks,attention,crop\nx-fer-aligned=t:true\nmessage-id=s:1\nreply-to=s:fer.reply.1"),
        Text("X-FER-Faces=b:all\nx-fer-aligned=t:true\nx-fer-deadline-ms=s:60000\ntimestamp=i:1764000000\ncorrelation-id=s:c"),
        Text("traceparent=s:00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\nx-fer-future=l:\nx-death=n:\nreply-to=s:amq.gen-x"),
    ];

    /// <summary>Properties of messages as they stand in a content header, from the flags on, with headers of many types.</summary>
    public static IReadOnlyList<byte[]> Properties()
    {
        var headers = new AmqpWriter()
            .Short("x-fer-faces").U8((byte)'S').Long("largest")
            .Short("flag").U8((byte)'t').U8(1)
            .Short("price").U8((byte)'D').U8(2).U32(1999)
            .Short("when").U8((byte)'T').U64(1_764_000_000)
            .Short("none").U8((byte)'V')
            .Short("list").U8((byte)'A').U32(5).U8((byte)'I').U32(7)
            .Short("table").U8((byte)'F').U32(4).Short("a").U8((byte)'t').U8(0)
            .ToArray();
        return
        [
            AmqpFrame.ContentHeader(1, headers, [.. "m-1"u8], "fer.reply.1")[AmqpFrame.PropertiesAt..],
            AmqpFrame.ContentHeader(1)[AmqpFrame.PropertiesAt..],
        ];
    }

    public static IReadOnlyList<byte[]> Csv()
    {
        var pixels = string.Join(' ', Enumerable.Range(0, 48 * 48).Select(i => (i % 256).ToString(CultureInfo.InvariantCulture)));
        var text = Text($"emotion,pixels,Usage\n3,{pixels},Training\n0,\"{pixels}\",PublicTest\n");
        using var packed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(text);
        }

        using var zipped = new MemoryStream();
        using (var archive = new System.IO.Compression.ZipArchive(zipped, System.IO.Compression.ZipArchiveMode.Create, leaveOpen: true))
        using (var entry = archive.CreateEntry("fer2013.csv").Open())
        {
            entry.Write(text);
        }

        return [text, Text($"Usage,emotion,pixels\r\nPrivateTest,6,{pixels}\r\n"), packed.ToArray(), zipped.ToArray()];
    }

    public static IReadOnlyList<byte[]> Safetensors()
    {
        using var file = new MemoryStream();
        SafetensorsWriter.Write(
            file,
            [
                TensorData.FromFloat32("a.weight", [2, 3], [1, 2, 3, 4, 5, 6]),
                TensorData.FromFloat16("b", [4], [0, -1, 2, 3]),
                TensorData.FromBFloat16("c", [1], [0.5f]),
            ],
            new Dictionary<string, string> { ["format"] = "pt" });
        return [file.ToArray()];
    }

    public static IReadOnlyList<byte[]> Yaml() =>
    [
        Text("epochs: 3\nbatch_size: 32\nlearning_rate: 1e-3\nseed: 7\nlabel_smoothing: 0.1\n"),
        Text("# a comment\nepochs: 2\npreset: 'tiny'\nearly_stopping:\n  patience: 3\n"),
        Text("{\"epochs\": 3, \"batch_size\": 8}\n"),
    ];

    public static IReadOnlyList<byte[]> ModelConfigurations() =>
    [
        Text("""
            {"architectures":["ViTForImageClassification"],"model_type":"vit","hidden_size":192,"num_hidden_layers":3,"num_attention_heads":3,
            "intermediate_size":384,"image_size":48,"patch_size":8,"num_channels":1,"hidden_act":"gelu","layer_norm_eps":1e-12,"qkv_bias":true,
            "id2label":{"0":"angry","1":"disgust","2":"fear","3":"happy","4":"sad","5":"surprise","6":"neutral"},
            "fer_actors":{"name":"x","version":"1","temperature":0.8}}
            """),
        Text("""
            {"model_type":"fer_vit_conv","conv_stem":{"channels":[32,64,128],"convs_per_stage":2},"hidden_size":64,"num_hidden_layers":1,
            "num_attention_heads":2,"intermediate_size":64,"image_size":48,"patch_size":8,"num_channels":1,
            "id2label":{"0":"angry","1":"disgust","2":"fear","3":"happy","4":"sad","5":"surprise","6":"neutral"}}
            """),
    ];

    public static IReadOnlyList<byte[]> Preprocessors() =>
    [
        Text("""{"do_normalize":true,"do_rescale":true,"do_resize":true,"image_mean":[0.5],"image_std":[0.5],"resample":2,"rescale_factor":0.0039,"size":{"height":48,"width":48}}"""),
    ];

    /// <summary>A byte with the type's number, then the message.</summary>
    public static IReadOnlyList<byte[]> Messages()
    {
        var v1 = ModelVersionId.Parse("v1");
        var pointer = new ModelPointer(v1, "v1", new Dictionary<string, string> { [ModelPointer.WeightsFile] = new('a', 64) });
        var id = RunId.Parse("run-1");
        var spec = new RunSpec(id, "first", "{}", "data.csv", null, 0, v1);
        object[] messages =
        [
            new DesiredModels(7, pointer, new SecondModel(pointer, 0.1), new SecondModel(pointer, 1)),
            new NodeModelStatus(
                "akka.tcp://FerActors@n1:5055", "n1", 7, [new ModelSlotStatus(ModelSlot.Champion, "v1", new('a', 64), ModelPhase.Serving, "why", Time)]),
            new RegistryCommands.Register(v1, "/models/v1", new ModelProvenance("d", "c0ffee", "v0", "fer train", "run-1"), new string('a', 64)),
            new RegistryCommands.Promote(v1, Force: true),
            new RegistryReply(RegistryCode.GateRefused, "No.", 3, [new GateRefusal("accuracy", 0.5, 0.6, 0.59, "Worse.")]),
            new RegistryEvents.Promoted(v1, true, ["Gate accuracy."], Time),
            new RegistryEvents.CanarySet(v1, 0.25, Time),
            new TrainingCommands.Submit(spec),
            new TrainingEvents.Submitted(id, Time, spec),
            new TrainingReports.Epoch(id, 2, new EpochMetrics(2, 100, 1.5, 0.6, 0.5)),
            new RunList([new RunView(new TrainingRun(spec, RunState.Running, 1, Time, Time), new RunProgress(3, 30, 250, 3000, 1.4, 210.5, 840))]),
        ];
        return [.. messages.Select(Encode)];
    }

    /// <summary>A digit for the request (see <see cref="HttpTarget"/>), then the body.</summary>
    public static IReadOnlyList<byte[]> Bodies()
    {
        var png = Images()[4];
        return
        [
            [(byte)'0', .. png],
            [(byte)'1', .. Form("faces", Text("all")), .. FormFile(png), .. Text("--fer--\r\n")],
            [(byte)'2', .. Text("""{"id":"1","inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["PNG"]}],"parameters":{"faces":"all"}}""".Replace("PNG", Convert.ToBase64String(png), StringComparison.Ordinal))],
            [(byte)'2', .. Text("""{"inputs":[{"name":"image","shape":[1,2,2,1],"datatype":"UINT8","data":[0,255,7,9]}],"outputs":[{"name":"label"}]}""")],
            [(byte)'3', .. FormFile(png), .. FormFile(png), .. Text("--fer--\r\n")],
        ];
    }

    private static byte[] Encode(object message)
    {
        var number = WireTypes.All.ToList().FindIndex(t => t.Type == message.GetType());
        return [(byte)number, .. WireTypes.All[number].Encode(message)];
    }

    // An EXIF segment that says: turn by 90 degrees.
    private static byte[] Turned(byte[] jpeg) =>
    [
        .. jpeg.AsSpan(0, 2),
        0xFF, 0xE1, 0, 34, .. "Exif"u8, 0, 0, .. "II*"u8, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0,
        .. jpeg.AsSpan(2),
    ];

    private static byte[] Form(string name, byte[] value) =>
        [.. Text($"--fer\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n"), .. value, .. Text("\r\n")];

    private static byte[] FormFile(byte[] file) =>
    [
        .. Text("--fer\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"), .. file, .. Text("\r\n"),
    ];

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);
}
