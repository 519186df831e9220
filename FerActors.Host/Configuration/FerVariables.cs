using System.Text.RegularExpressions;

namespace FerActors.Host.Configuration;

/// <summary>Environment variables that begin as options do and are none.</summary>
internal static partial class FerVariables
{
    /// <summary>Those that the product, its scripts and its tests read.</summary>
    public static IReadOnlyList<string> Known { get; } =
    [
        "FER_API_LOAD_PORT",
        "FER_BROKER_TIMEOUT",
        "FER_CHAOS",
        "FER_CHAOS_IMAGES",
        "FER_CHAOS_TABLE",
        "FER_DATABASE_TIMEOUT",
        "FER_DEBIAN_MIRROR",
        "FER_DETECTOR_URL",
        "FER_FULL_SHAPES",
        "FER_GIT_COMMIT",
        "FER_LIBTORCH_DIR",
        "FER_MUTANT",
        "FER_POSTGRES_BIN",
        "FER_POSTGRES_USER",
        "FER_PROMETHEUS_HOME",
        "FER_RABBITMQ_HOME",
        "FER_RENEW_CONTRACTS",
        "FER_SCREENSHOTS",
        "FER_SHARED_DIR",
        "FER_TEST_RABBITMQ",
    ];

    /// <summary>Whether the variable is one of <see cref="Known"/>, or one that Kubernetes makes for a service whose name begins with fer.</summary>
    public static bool IsForeign(string name, string? value) =>
        Known.Contains(name, StringComparer.Ordinal)
        || OfService().IsMatch(name)
        || (PortOfService().IsMatch(name) && value?.Contains("://", StringComparison.Ordinal) == true);

    [GeneratedRegex("^FER_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)$")]
    private static partial Regex OfService();

    // Its value is an address such as tcp://10.0.0.1:5055. A plain number is somebody's misspelt option.
    [GeneratedRegex("^FER_([A-Z0-9_]+_)?PORT$")]
    private static partial Regex PortOfService();
}
