namespace FerActors.Vision.Configuration;

/// <summary>The activation between the two layers of a block's MLP.</summary>
public enum HiddenActivation
{
    /// <summary>x·Φ(x) with the exact error function; <c>gelu</c>.</summary>
    Gelu,

    /// <summary>The tanh approximation of GELU; <c>gelu_new</c> and <c>gelu_pytorch_tanh</c>, which are the same function.</summary>
    GeluTanh,

    /// <summary>max(0, x); <c>relu</c>.</summary>
    Relu,
}
