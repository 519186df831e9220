using System.ComponentModel.DataAnnotations;

namespace FerActors.Shared.Options;

/// <summary>Which detector finds the faces.</summary>
public enum DetectorKind
{
    /// <summary>YuNet where its ONNX file is found, the Haar cascade otherwise.</summary>
    Auto,

    /// <summary>YuNet: boxes, five landmarks and a score.</summary>
    YuNet,

    /// <summary>OpenCV's frontal-face Haar cascade: square boxes only.</summary>
    Haar,
}

/// <summary>How a detected face is cut out of the picture.</summary>
public enum FaceAlignment
{
    /// <summary>
    /// A least-squares similarity (rotation, scale, translation) from the five landmarks to FER2013's mean face; the square box
    /// where a face has no usable landmarks.
    /// </summary>
    Similarity,

    /// <summary>A square as high as the detector's box, about its centre. A tilted head stays tilted, as in FER2013 itself.</summary>
    Box,
}

/// <summary>Finding and cutting out faces.</summary>
public sealed class DetectionOptions
{
    /// <summary>Name of the configuration section.</summary>
    public const string Section = "Detection";

    /// <summary>Which detector to use.</summary>
    public DetectorKind Detector { get; set; } = DetectorKind.Auto;

    /// <summary>YuNet's ONNX file. Absent: the known file names are looked for in the folders of <see cref="ModelFolders"/>.</summary>
    public string? ModelPath { get; set; }

    /// <summary>
    /// Folders to search for YuNet's ONNX file, in this order, after <c>models</c> beside the program and before the user's cache,
    /// <c>~/.cache/feractors/detectors</c>, which <c>fer detector fetch</c> fills.
    /// </summary>
    public IList<string> ModelFolders { get; init; } = [];

    /// <summary>The Haar cascade's XML file. Absent: the usual places of the system's <c>opencv-data</c> are searched.</summary>
    public string? CascadePath { get; set; }

    /// <summary>Faces below this score are dropped (YuNet). OpenCV's own default of 0.9 loses one face in six.</summary>
    [Range(0.05, 0.99)]
    public double ScoreThreshold { get; set; } = 0.6;

    /// <summary>Of two boxes whose intersection over union is above this, the less certain one is dropped (YuNet).</summary>
    [Range(0.05, 0.95)]
    public double NmsThreshold { get; set; } = 0.3;

    /// <summary>At most so many faces of a picture are kept, the largest ones.</summary>
    [Range(1, 1024)]
    public int MaxFaces { get; set; } = 64;

    /// <summary>Faces whose box is less high than this many pixels of the picture are dropped: there is no expression to read.</summary>
    [Range(1, 4096)]
    public int MinFaceSide { get; set; } = 16;

    /// <summary>Longer pictures are searched in a copy reduced to this long side, in pixels; detection time grows with its square.</summary>
    [Range(320, 2560)]
    public int MaxSearchSide { get; set; } = 1280;

    /// <summary>
    /// How a face is cut out. The default is what the shipped model loses least with: on 3,415 faces of PublicTest, padded, found
    /// and cut out again, the box cost version 3 1.64 points of accuracy and the similarity 1.93.
    /// </summary>
    public FaceAlignment Alignment { get; set; } = FaceAlignment.Box;
}
