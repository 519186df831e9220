using FerActors.Vision.Configuration;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>One pre-norm block of the transformer: attention and an MLP, each added to what it was given.</summary>
internal sealed class EncoderBlock(VitConfig config, string prefix)
{
    // libtorch's fused CPU kernel saves memory, which only long sequences need; for short ones it is the slower way, and its
    // backward pass in bf16 is slower by a factor of ten (37 tokens: 52 ms against 5 ms).
    private const int FusedAttentionFrom = 100;

    private readonly string _normBefore = prefix + "layernorm_before.";
    private readonly string _normAfter = prefix + "layernorm_after.";
    private readonly string _query = prefix + "attention.attention.query.";
    private readonly string _key = prefix + "attention.attention.key.";
    private readonly string _value = prefix + "attention.attention.value.";
    private readonly string _attentionOutput = prefix + "attention.output.dense.";
    private readonly string _intermediate = prefix + "intermediate.dense.";
    private readonly string _output = prefix + "output.dense.";

    /// <summary>Computes the block.</summary>
    /// <param name="weights">The network's tensors.</param>
    /// <param name="x">[batch, tokens, width].</param>
    /// <param name="keep">The factor of each image's branches, [batch, 1, 1] (<see cref="VitForwardOptions.DropPath"/>); <see langword="null"/> for 1.</param>
    /// <param name="attention">Takes the attention weights; <see langword="null"/> where nobody wants them.</param>
    /// <param name="differentiable">Whether a gradient can be asked for what <paramref name="attention"/> takes.</param>
    /// <returns>[batch, tokens, width].</returns>
    public Tensor Forward(WeightsInType weights, Tensor x, Tensor? keep, List<Tensor>? attention, bool differentiable)
    {
        // A scope of its own: what the backward pass needs is kept by the graph, and what it does not need (all of it in a frozen
        // layer or in serving) is freed here and not at the end of the network. At 197 tokens that is most of the memory.
        using var scope = NewDisposeScope();
        var kept = attention?.Count ?? 0;
        var attended = Attend(weights, weights.LayerNorm(_normBefore, x, config.LayerNormEps), attention, differentiable);
        x = x.Plus(keep is null ? attended : attended * keep.to(weights.DType));
        var y = weights.LayerNorm(_normAfter, x, config.LayerNormEps);
        y = weights.Linear(_intermediate, y);
        y = weights.Linear(_output, Activate(y));
        attention?.Skip(kept).ToList().ForEach(a => a.MoveToOuterDisposeScope());
        return x.Plus(keep is null ? y : y * keep.to(weights.DType)).MoveToOuterDisposeScope();
    }

    private Tensor Attend(WeightsInType weights, Tensor x, List<Tensor>? attention, bool differentiable)
    {
        var (batch, tokens, dim) = (x.shape[0], x.shape[1], x.shape[2]);
        var heads = config.NumAttentionHeads;
        Tensor Heads(string name) => weights.Linear(name, x).view(batch, tokens, heads, dim / heads).transpose(1, 2);

        var (q, k, v) = (Heads(_query), Heads(_key), Heads(_value));
        Tensor context;
        if (attention is null && tokens > FusedAttentionFrom)
        {
            context = nn.functional.scaled_dot_product_attention(q, k, v);
        }
        else
        {
            var shares = q.matmul(k.transpose(-2, -1)).Times(1 / Math.Sqrt((double)dim / heads)).softmax(-1);
            if (attention is not null)
            {
                // What is kept is what the pass goes on with, so that a gradient reaches it; from bf16 to fp32 and back nothing is lost.
                var kept = shares.to(ScalarType.Float32);
                if (differentiable && !kept.requires_grad)
                {
                    kept.requires_grad = true;
                }

                attention.Add(kept);
                shares = kept.to(weights.DType);
            }

            context = shares.matmul(v);
        }

        return weights.Linear(_attentionOutput, context.transpose(1, 2).reshape(batch, tokens, dim));
    }

    private Tensor Activate(Tensor x) => config.HiddenAct switch
    {
        HiddenActivation.Relu => nn.functional.relu(x),
        HiddenActivation.GeluTanh => nn.functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh, inplace: false),
        _ => nn.functional.gelu(x),
    };
}
