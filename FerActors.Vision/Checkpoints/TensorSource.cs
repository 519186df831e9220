using FerActors.Vision.Safetensors;

namespace FerActors.Vision.Checkpoints;

/// <summary>Where a parameter lies in a file: a whole tensor, or one of several equal runs of its rows.</summary>
/// <param name="Name">The tensor's name in the file.</param>
/// <param name="Part">Which run, from 0.</param>
/// <param name="Parts">Into how many runs the first dimension is cut; 1 for the whole tensor.</param>
public sealed record TensorSource(string Name, int Part, int Parts)
{
    /// <summary>A whole tensor.</summary>
    public static TensorSource Whole(string name) => new(name, 0, 1);

    /// <summary>Shape of the parameter, given the shape of the tensor.</summary>
    /// <returns><see langword="null"/> where the first dimension cannot be cut into that many equal runs.</returns>
    public long[]? ShapeWithin(IReadOnlyList<long> shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (Parts == 1)
        {
            return [.. shape];
        }

        if (shape.Count == 0 || shape[0] % Parts != 0)
        {
            return null;
        }

        return [shape[0] / Parts, .. shape.Skip(1)];
    }

    /// <summary>Reads the parameter.</summary>
    /// <param name="file">The file that holds the tensor.</param>
    /// <returns>Its elements in row-major order; as many as the product of <see cref="ShapeWithin"/>.</returns>
    /// <exception cref="CheckpointException">The file has no such tensor, or it cannot be cut.</exception>
    /// <exception cref="NotSupportedException">The tensor's type is not one of the floats that are converted.</exception>
    public float[] ReadAsFloat32(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (!file.Tensors.TryGetValue(Name, out var tensor) || ShapeWithin(tensor.Shape) is null)
        {
            throw new CheckpointException($"The file has no tensor {SafetensorsHeader.Quote(Name)} of {Parts} equal parts.");
        }

        if (Parts == 1)
        {
            return file.ReadAsFloat32(Name);
        }

        var count = tensor.ElementCount / Parts;
        if (count > Array.MaxLength)
        {
            throw new NotSupportedException($"A part of tensor {SafetensorsHeader.Quote(Name)} has more elements than one array holds.");
        }

        var values = new float[count];
        file.ReadAsFloat32(tensor, Part * count, values);
        return values;
    }
}
