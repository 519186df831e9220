namespace FerActors.Training.Data;

/// <summary>The official splits of FER2013.</summary>
public enum FerUsage
{
    /// <summary>28,709 images to learn from.</summary>
    Training = 0,

    /// <summary>3,589 images to choose a model and its temperature by: the validation set.</summary>
    PublicTest = 1,

    /// <summary>3,589 images to report on, once: the test set.</summary>
    PrivateTest = 2,
}
