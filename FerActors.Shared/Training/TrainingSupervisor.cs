namespace FerActors.Shared.Training;

/// <summary>Registry key of the training supervisor: a proxy to wherever the singleton is.</summary>
public sealed class TrainingSupervisor
{
    private TrainingSupervisor()
    {
    }
}
