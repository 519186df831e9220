namespace FerActors.Host.Health;

/// <summary>Which question a check belongs to. Akka.Hosting marks its own checks with the same words.</summary>
public static class HealthTags
{
    /// <summary><c>/health/live</c>: where one fails, only a restart of the process helps.</summary>
    public const string Live = "liveness";

    /// <summary><c>/health/ready</c>: all must hold before the node counts as working.</summary>
    public const string Ready = "ready";
}
