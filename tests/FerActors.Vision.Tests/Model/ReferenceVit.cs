using FerActors.Vision.Configuration;

namespace FerActors.Vision.Tests.Model;

/// <summary>
/// The forward pass of ViTForImageClassification written out in loops over doubles, from its definition and without TorchSharp:
/// what the real one is compared with. Slow and plain on purpose.
/// </summary>
internal sealed class ReferenceVit(VitConfig config, IReadOnlyDictionary<string, float[]> weights)
{
    /// <summary>What is added to one attention weight, after the softmax.</summary>
    public (int Layer, int Head, int From, int To, double By)? Nudge { get; init; }

    public double[] Logits(float[] image)
    {
        var tokens = Embed(image);
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            var prefix = $"vit.encoder.layer.{i}.";
            var attended = Attend(i, prefix, tokens.Select(t => Norm(t, prefix + "layernorm_before")).ToArray());
            tokens = tokens.Zip(attended, Add).ToArray();
            tokens = tokens.Select(t => Add(t, Mlp(prefix, Norm(t, prefix + "layernorm_after")))).ToArray();
        }

        return Linear("classifier", Norm(tokens[0], "vit.layernorm"), config.NumLabels);
    }

    private double[][] Embed(float[] image)
    {
        var side = config.ImageSize;
        var planes = new double[config.NumChannels][];
        for (var c = 0; c < config.NumChannels; c++)
        {
            planes[c] = image.Skip(c * side * side).Take(side * side).Select(v => (double)v).ToArray();
        }

        var patch = config.PatchSize;
        if (config.ConvStem is { } stem)
        {
            for (var stage = 0; stage < stem.Channels.Count; stage++)
            {
                var before = planes;
                for (var conv = 0; conv < stem.ConvsPerStage; conv++)
                {
                    var name = $"vit.embeddings.patch_embeddings.stem.{stage}.{conv}";
                    planes = Convolve(planes, name, stem.Channels[stage], 3, conv == 0 ? 2 : 1, 1);
                    planes = stem.Norm == StemNorm.None ? planes : GroupNorm(planes, name + "_norm");
                    var closes = stem.Residual && conv is 2 or 4 or 6;
                    planes = [.. planes.Select((plane, c) => plane.Select((v, i) => Math.Max(0, closes ? v + before[c][i] : v)).ToArray())];
                    before = conv % 2 == 0 ? planes : before;
                }
            }

            patch = 1;
        }

        var embedded = Convolve(planes, "vit.embeddings.patch_embeddings.projection", config.HiddenSize, patch, patch, 0);
        var positions = weights["vit.embeddings.position_embeddings"];
        var tokens = new double[config.SequenceLength][];
        for (var t = 0; t < tokens.Length; t++)
        {
            tokens[t] = new double[config.HiddenSize];
            for (var d = 0; d < config.HiddenSize; d++)
            {
                var value = t == 0 ? weights["vit.embeddings.cls_token"][d] : embedded[d][t - 1];
                tokens[t][d] = value + positions[(t * config.HiddenSize) + d];
            }
        }

        return tokens;
    }

    private double[][] Convolve(double[][] input, string name, int outputs, int kernel, int stride, int padding)
    {
        var side = (int)Math.Sqrt(input[0].Length);
        var size = ((side + (2 * padding) - kernel) / stride) + 1;
        var (w, b) = (weights[name + ".weight"], weights[name + ".bias"]);
        var output = new double[outputs][];
        for (var o = 0; o < outputs; o++)
        {
            output[o] = new double[size * size];
            for (var y = 0; y < size; y++)
            {
                for (var x = 0; x < size; x++)
                {
                    double sum = b[o];
                    for (var c = 0; c < input.Length; c++)
                    {
                        for (var ky = 0; ky < kernel; ky++)
                        {
                            for (var kx = 0; kx < kernel; kx++)
                            {
                                var (iy, ix) = ((y * stride) + ky - padding, (x * stride) + kx - padding);
                                if (iy >= 0 && iy < side && ix >= 0 && ix < side)
                                {
                                    sum += w[(((((o * input.Length) + c) * kernel) + ky) * kernel) + kx] * input[c][(iy * side) + ix];
                                }
                            }
                        }
                    }

                    output[o][(y * size) + x] = sum;
                }
            }
        }

        return output;
    }

    private double[][] GroupNorm(double[][] input, string name)
    {
        const int groups = 8;
        var (w, b) = (weights[name + ".weight"], weights[name + ".bias"]);
        var each = input.Length / groups;
        return input.Select((plane, channel) =>
        {
            var group = input.Skip(channel / each * each).Take(each).SelectMany(p => p).ToArray();
            var mean = group.Average();
            var deviation = Math.Sqrt(group.Average(v => (v - mean) * (v - mean)) + 1e-5);
            return plane.Select(v => ((v - mean) / deviation * w[channel]) + b[channel]).ToArray();
        }).ToArray();
    }

    private double[][] Attend(int layer, string prefix, double[][] x)
    {
        var width = config.HiddenSize;
        var head = width / config.NumAttentionHeads;
        var q = x.Select(t => Linear(prefix + "attention.attention.query", t, width)).ToArray();
        var k = x.Select(t => Linear(prefix + "attention.attention.key", t, width)).ToArray();
        var v = x.Select(t => Linear(prefix + "attention.attention.value", t, width)).ToArray();
        return x.Select((_, i) =>
        {
            var context = new double[width];
            for (var h = 0; h < config.NumAttentionHeads; h++)
            {
                var scores = k.Select(key => Enumerable.Range(h * head, head).Sum(d => q[i][d] * key[d]) / Math.Sqrt(head)).ToArray();
                var highest = scores.Max();
                var powers = scores.Select(s => Math.Exp(s - highest)).ToArray();
                var sum = powers.Sum();
                if (Nudge is { } nudge && (nudge.Layer, nudge.Head, nudge.From) == (layer, h, i))
                {
                    powers[nudge.To] += nudge.By * sum;
                }

                for (var d = h * head; d < (h + 1) * head; d++)
                {
                    context[d] = v.Select((value, j) => value[d] * powers[j] / sum).Sum();
                }
            }

            return Linear(prefix + "attention.output.dense", context, width);
        }).ToArray();
    }

    private double[] Mlp(string prefix, double[] x)
    {
        var inner = Linear(prefix + "intermediate.dense", x, config.IntermediateSize).Select(Activate).ToArray();
        return Linear(prefix + "output.dense", inner, config.HiddenSize);
    }

    private double Activate(double x) => config.HiddenAct switch
    {
        HiddenActivation.Relu => Math.Max(0, x),
        HiddenActivation.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        _ => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))),
    };

    // The Maclaurin series, which converges everywhere and is exact enough for the small arguments of a test.
    private static double Erf(double x)
    {
        var (term, sum) = (x, x);
        for (var n = 1; n < 200 && Math.Abs(term) > 1e-18; n++)
        {
            term *= -x * x / n;
            sum += term / ((2 * n) + 1);
        }

        return 2 / Math.Sqrt(Math.PI) * sum;
    }

    private double[] Norm(double[] x, string name)
    {
        var (w, b) = (weights[name + ".weight"], weights[name + ".bias"]);
        var mean = x.Average();
        var deviation = Math.Sqrt(x.Average(v => (v - mean) * (v - mean)) + config.LayerNormEps);
        return x.Select((v, i) => ((v - mean) / deviation * w[i]) + b[i]).ToArray();
    }

    private double[] Linear(string name, double[] x, int outputs)
    {
        var w = weights[name + ".weight"];
        var b = weights.GetValueOrDefault(name + ".bias");
        return Enumerable.Range(0, outputs)
            .Select(o => x.Select((v, i) => v * w[(o * x.Length) + i]).Sum() + (b?[o] ?? 0))
            .ToArray();
    }

    private static double[] Add(double[] a, double[] b) => a.Zip(b, (x, y) => x + y).ToArray();
}
