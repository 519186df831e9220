using Akka.Configuration;
using Akka.TestKit.Xunit2;
using Xunit.Abstractions;

namespace FerActors.Inference.Tests;

/// <summary>
/// A test kit that waits for what is expected longer than any machine is busy: three seconds, the kit's own patience, are over while
/// the specs beside it compute on all cores.
/// </summary>
public abstract class PatientKit(Config? config = null, ITestOutputHelper? output = null)
    : TestKit((config ?? Config.Empty).WithFallback(Patience), output: output)
{
    private static readonly Config Patience = ConfigurationFactory.ParseString(
        """
        akka.test {
          single-expect-default = 20s
          default-timeout = 20s
        }
        """);
}
