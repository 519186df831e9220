using System.Globalization;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;
using FerActors.Vision.Imaging;
using OpenCvSharp;

namespace FerActors.Inference.Faces;

/// <summary>Draws a result into its picture, for people. Thread-safe; nothing of the picture is kept.</summary>
/// <remarks>
/// The drawing is always between 960 and 1920 pixels long, so that the text has one legible size whatever the photo's: small photos
/// are enlarged, large ones reduced.
/// </remarks>
public static class FaceAnnotator
{
    private const int ShortestDrawing = 960;
    private const int LongestDrawing = 1920;
    private const double LargestEnlargement = 8;
    private const int JpegQuality = 92;
    private const HersheyFonts Font = HersheyFonts.HersheyDuplex;

    private static readonly Scalar Ink = new(250, 250, 250);
    private static readonly Scalar Shade = new(24, 22, 20);
    private static readonly Scalar Track = new(84, 80, 76);

    /// <summary>Draws the boxes, landmarks, labels and probabilities of a result.</summary>
    /// <param name="picture">The picture that the result is about.</param>
    /// <param name="result">Faces in pixels of that picture; an error result is drawn as its sentence.</param>
    /// <param name="format"><see cref="ImageFormat.Png"/> or <see cref="ImageFormat.Jpeg"/>.</param>
    /// <returns>The encoded drawing.</returns>
    public static byte[] Draw(DecodedImage picture, ClassificationResult result, ImageFormat format = ImageFormat.Png)
    {
        ArgumentNullException.ThrowIfNull(picture);
        return Draw(picture.Bgr, result, format);
    }

    /// <inheritdoc cref="Draw(DecodedImage, ClassificationResult, ImageFormat)"/>
    /// <param name="bgr">The picture: 8-bit BGR; it is not changed.</param>
    /// <param name="result">Faces in pixels of that picture.</param>
    /// <param name="format">PNG or JPEG.</param>
    public static byte[] Draw(Mat bgr, ClassificationResult result, ImageFormat format = ImageFormat.Png)
    {
        FaceFilter.CheckPicture(bgr);
        ArgumentNullException.ThrowIfNull(result);
        if (format is not (ImageFormat.Png or ImageFormat.Jpeg))
        {
            throw new ArgumentOutOfRangeException(nameof(format), format, "Drawings are PNG or JPEG.");
        }

        var longest = Math.Max(bgr.Width, bgr.Height);
        var scale = Math.Min(LargestEnlargement, Math.Clamp(longest, ShortestDrawing, LongestDrawing) / (double)longest);
        using var canvas = new Mat();
        var size = new Size(SearchCanvas.Fit(bgr.Width, scale), SearchCanvas.Fit(bgr.Height, scale));
        Cv2.Resize(bgr, canvas, size, interpolation: scale < 1 ? InterpolationFlags.Area : InterpolationFlags.Cubic);
        var unit = Math.Clamp(Math.Max(size.Width, size.Height) / (double)ShortestDrawing, 0.6, 2);
        DrawFaces(canvas, result.Faces, scale, unit);
        DrawCaption(canvas, result, unit);
        return Encode(canvas, format);
    }

    private static void DrawFaces(Mat canvas, IReadOnlyList<FaceResult> faces, double scale, double unit)
    {
        var line = Px(unit, 2);
        var layout = new AnnotationLayout(canvas.Size(), Px(unit, 8));
        layout.Occupy(new Rect(0, canvas.Height - Px(unit, 30), canvas.Width, Px(unit, 30)));
        var boxes = faces.Select(face => Scaled(face.Box, scale)).ToList();
        var tags = faces.Select((face, i) => TagArea(TagText(face), i, boxes, canvas.Size(), unit)).ToList();
        boxes.ForEach(layout.Occupy);
        tags.ForEach(layout.Occupy);
        var panel = new Size(Px(unit, 190), Px(unit, (ExpressionNames.Count * 17) + 12));
        for (var i = 0; i < faces.Count; i++)
        {
            var color = AnnotationPalette.Of(faces[i].Label);
            if (layout.Place(panel, i, boxes, 3 * panel.Width / 2) is { } place)
            {
                DrawLeader(canvas, place, boxes[i], color, line);
                DrawPanel(canvas, place, faces[i], color, unit);
            }
        }

        for (var i = 0; i < faces.Count; i++)
        {
            var color = AnnotationPalette.Of(faces[i].Label);
            Cv2.Rectangle(canvas, boxes[i], Shade, line + Px(unit, 3), LineTypes.AntiAlias);
            Cv2.Rectangle(canvas, boxes[i], color, line, LineTypes.AntiAlias);
            DrawLandmarks(canvas, faces[i].Landmarks, scale, Math.Clamp(boxes[i].Width / 90.0, 0.4 * unit, unit));
            DrawTag(canvas, tags[i], TagText(faces[i]), boxes[i], color, unit);
        }
    }

    private static void DrawLandmarks(Mat canvas, FaceLandmarks? landmarks, double scale, double unit)
    {
        foreach (var point in landmarks?.ToList() ?? [])
        {
            var centre = new Point(ToPixel(point.X * scale), ToPixel(point.Y * scale));
            Cv2.Circle(canvas, centre, Px(unit, 4), Shade, -1, LineTypes.AntiAlias);
            Cv2.Circle(canvas, centre, Px(unit, 2.4), Ink, -1, LineTypes.AntiAlias);
        }
    }

    private static string TagText(FaceResult face) =>
        string.Create(CultureInfo.InvariantCulture, $"{face.Label} {face.Confidence * 100:F0}%");

    // The label of a small face is smaller, so that it hides less of its neighbours.
    private static double TagScale(Rect box, double unit) => unit * Math.Clamp(box.Width / (130 * unit), 0.46, 0.62);

    /// <summary>Above the box, below it, or inside where the face fills the picture: wherever it hides the least of other faces.</summary>
    private static Rect TagArea(string text, int index, List<Rect> boxes, Size canvas, double unit)
    {
        var box = boxes[index];
        var scale = TagScale(box, unit);
        var size = Cv2.GetTextSize(text, Font, scale, Px(unit, 1), out _);
        var (width, height) = (size.Width + Px(unit, 16), size.Height + Px(unit, 14));
        var x = Math.Clamp(box.Left - Px(unit, 2), 0, Math.Max(0, canvas.Width - width));
        int[] tops = [box.Top - height - Px(unit, 2), box.Bottom + Px(unit, 2), Math.Max(0, box.Top)];
        return tops
            .Where(top => top >= 0 && top + height <= canvas.Height)
            .DefaultIfEmpty(0)
            .Select(top => new Rect(x, top, width, height))
            .MinBy(area => boxes.Where((_, other) => other != index).Sum(other => Overlap(area, other)));
    }

    private static double Overlap(Rect a, Rect b)
    {
        var common = a.Intersect(b);
        return (double)common.Width * common.Height;
    }

    private static void DrawTag(Mat canvas, Rect area, string text, Rect box, Scalar color, double unit)
    {
        Fill(canvas, area, color, 1);
        var at = new Point(area.X + Px(unit, 8), area.Bottom - Px(unit, 7));
        Write(canvas, text, at, TagScale(box, unit), AnnotationPalette.InkOn(color), Px(unit, 1));
    }

    private static void DrawLeader(Mat canvas, Rect panel, Rect box, Scalar color, int line)
    {
        var from = Nearest(panel, Centre(box));
        var to = Nearest(box, from);
        Cv2.Line(canvas, from, to, Shade, line + 2, LineTypes.AntiAlias);
        Cv2.Line(canvas, from, to, color, line, LineTypes.AntiAlias);
    }

    private static void DrawPanel(Mat canvas, Rect area, FaceResult face, Scalar color, double unit)
    {
        Fill(canvas, area, Shade, 0.78);
        Fill(canvas, new Rect(area.X, area.Y, Px(unit, 4), area.Height), color, 1);
        var (left, right) = (area.X + Px(unit, 80), area.Right - Px(unit, 46));
        for (var i = 0; i < face.Emotions.Count && i < ExpressionNames.Count; i++)
        {
            var emotion = face.Emotions[i];
            var top = area.Y + Px(unit, 6 + (17 * i));
            var baseline = top + Px(unit, 12);
            var ink = emotion.Label == face.Label ? Ink : new Scalar(205, 202, 198);
            Write(canvas, emotion.Label.ToString(), new Point(area.X + Px(unit, 12), baseline), 0.4 * unit, ink, Px(unit, 1));
            var bar = new Rect(left, top + Px(unit, 4), right - left, Px(unit, 8));
            Fill(canvas, bar, Track, 1);
            var share = double.IsFinite(emotion.Probability) ? Math.Clamp(emotion.Probability, 0, 1) : 0;
            Fill(canvas, bar with { Width = (int)Math.Round(bar.Width * share) }, AnnotationPalette.Of(emotion.Label), 1);
            var percent = string.Create(CultureInfo.InvariantCulture, $"{share * 100:F0}%");
            var width = Cv2.GetTextSize(percent, Font, 0.4 * unit, Px(unit, 1), out _).Width;
            Write(canvas, percent, new Point(area.Right - width - Px(unit, 7), baseline), 0.4 * unit, ink, Px(unit, 1));
        }
    }

    /// <summary>One line at the lower edge: what was found, by which model, in what time.</summary>
    private static void DrawCaption(Mat canvas, ClassificationResult result, double unit)
    {
        var text = Printable(Caption(result));
        var height = Px(unit, 26);
        var area = new Rect(0, canvas.Height - height, canvas.Width, height);
        Fill(canvas, area, Shade, 0.72);
        // A narrow picture has less room than its caption: the text shrinks rather than run out of it.
        var wanted = 0.48 * unit;
        var width = Cv2.GetTextSize(text, Font, wanted, Px(unit, 1), out _).Width;
        var fitted = wanted * Math.Min(1, (canvas.Width - Px(unit, 16)) / (double)Math.Max(1, width));
        Write(canvas, text, new Point(Px(unit, 8), canvas.Height - Px(unit, 8)), fitted, Ink, Px(unit, 1));
    }

    private static string Caption(ClassificationResult result)
    {
        if (result.Error is { } error)
        {
            return $"Not classified ({error.Code}): {error.Message}";
        }

        var found = result.Faces.Count switch
        {
            0 => "No face found",
            1 => "1 face",
            var count => string.Create(CultureInfo.InvariantCulture, $"{count} faces"),
        };
        var model = result.Model is { } identity ? $"   {identity.Name} {identity.Version}" : "";
        var total = result.TimingsMs.Total;
        var time = total > 0 ? string.Create(CultureInfo.InvariantCulture, $"   {total:F0} ms") : "";
        return found + model + time;
    }

    // The built-in font has ASCII only, and would draw a question mark for each byte of anything else.
    private static string Printable(string text) =>
        new(text.Take(160).Select(c => c is >= ' ' and <= '~' ? c : '?').ToArray());

    private static void Write(Mat canvas, string text, Point at, double scale, Scalar color, int thickness) =>
        Cv2.PutText(canvas, text, at, Font, scale, color, thickness, LineTypes.AntiAlias);

    private static void Fill(Mat canvas, Rect area, Scalar color, double opacity)
    {
        var visible = area.Intersect(new Rect(0, 0, canvas.Width, canvas.Height));
        if (visible.Width <= 0 || visible.Height <= 0)
        {
            return;
        }

        using var part = new Mat(canvas, visible);
        using var flat = new Mat(part.Size(), part.Type(), color);
        Cv2.AddWeighted(part, 1 - opacity, flat, opacity, 0, part);
    }

    private static Rect Scaled(FaceBox box, double scale) =>
        new(ToPixel(box.X * scale), ToPixel(box.Y * scale), Math.Max(1, ToPixel(box.Width * scale)), Math.Max(1, ToPixel(box.Height * scale)));

    // Results come from outside as well (a file, a queue): coordinates are bounded before they become integers.
    private static int ToPixel(double value) => double.IsNaN(value) ? 0 : (int)Math.Round(Math.Clamp(value, -16_384, 16_384));

    private static int Px(double unit, double pixels) => Math.Max(1, (int)Math.Round(unit * pixels));

    private static Point Centre(Rect area) => new(area.X + (area.Width / 2), area.Y + (area.Height / 2));

    private static Point Nearest(Rect area, Point to) => new(Math.Clamp(to.X, area.Left, area.Right), Math.Clamp(to.Y, area.Top, area.Bottom));

    private static byte[] Encode(Mat canvas, ImageFormat format)
    {
        ImageEncodingParam[] parameters = format == ImageFormat.Jpeg ? [new ImageEncodingParam(ImwriteFlags.JpegQuality, JpegQuality)] : [];
        Cv2.ImEncode(format == ImageFormat.Jpeg ? ".jpg" : ".png", canvas, out var bytes, parameters);
        return bytes;
    }
}
