using FerActors.Vision.Safetensors;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>Brings the best epoch's weights back, for a run that ends with them.</summary>
internal static class BestWeights
{
    /// <summary>Writes them over the moving average, where the last epoch was not the best.</summary>
    /// <param name="checkpoint">Holds them.</param>
    /// <param name="state">The run, which has ended an epoch.</param>
    /// <param name="stopping">What is better.</param>
    /// <param name="average">fp32 [n]; untouched where the weights cannot be had.</param>
    /// <returns>The epoch whose weights the average is, and a sentence where that is not the best.</returns>
    public static (int Epoch, string? Warning) Restore(RunCheckpoint checkpoint, RunState state, EarlyStoppingOptions stopping, Tensor average)
    {
        var best = BestEpoch.Of(state.History, stopping)!;
        if (best.Epoch == state.Epoch)
        {
            return (best.Epoch, null);
        }

        using var restored = average.clone();
        string problem;
        try
        {
            var found = checkpoint.LoadBest(restored);
            if (found.Epoch == best.Epoch && found.Step == best.Step)
            {
                average.copy_(restored);
                return (best.Epoch, null);
            }

            problem = $"{RunCheckpoint.BestFileName} holds epoch {found.Epoch}.";
        }
        catch (SafetensorsFormatException e)
        {
            problem = e.Message;
        }

        return (state.Epoch, $"The best epoch, {best.Epoch}, cannot be restored: {problem} The last epoch's weights are used.");
    }
}
