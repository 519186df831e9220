namespace FerActors.Shared.Labels;

/// <summary>The seven expression classes, numbered as FER2013 numbers them.</summary>
/// <remarks>
/// The number is FER2013's, and the one that results carry. A checkpoint may order its outputs differently (several public
/// ones are alphabetical), so outputs are mapped by name through <see cref="ExpressionNames"/>, never by position.
/// </remarks>
public enum Expression
{
    Angry = 0,
    Disgust = 1,
    Fear = 2,
    Happy = 3,
    Sad = 4,
    Surprise = 5,
    Neutral = 6,
}
