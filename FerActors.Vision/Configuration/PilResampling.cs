namespace FerActors.Vision.Configuration;

/// <summary>How the input is resized, numbered as PIL and preprocessor_config.json number it.</summary>
/// <remarks>PIL widens the kernel when it shrinks a picture (antialiasing); resizers that do not are no match for it.</remarks>
public enum PilResampling
{
    Nearest = 0,
    Lanczos = 1,
    Bilinear = 2,
    Bicubic = 3,
    Box = 4,
    Hamming = 5,
}
