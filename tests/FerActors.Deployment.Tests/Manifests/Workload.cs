using k8s.Models;

namespace FerActors.Deployment.Tests.Manifests;

/// <summary>A Deployment, a StatefulSet or a Job, seen alike.</summary>
/// <param name="Metadata">Its own.</param>
/// <param name="Replicas">How many pods; absent where a scaler decides.</param>
/// <param name="Selector">Which pods are its own.</param>
/// <param name="Template">What they are made of.</param>
internal sealed record Workload(V1ObjectMeta Metadata, int? Replicas, V1LabelSelector Selector, V1PodTemplateSpec Template)
{
    public V1StatefulSet? Set { get; init; }

    public string Name => Metadata.Name;

    public IDictionary<string, string> Labels => Template.Metadata.Labels;

    public V1PodSpec Pod => Template.Spec;

    /// <summary>The one container, which runs fer.</summary>
    public V1Container Node => Pod.Containers.Single();

    public int Port(string name) => Node.Ports.Single(port => port.Name == name).ContainerPort;
}
