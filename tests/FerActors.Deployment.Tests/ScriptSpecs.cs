using System.Diagnostics;

namespace FerActors.Deployment.Tests;

/// <summary>What the shell scripts of the front door compute, asked for in a shell.</summary>
public sealed class ScriptSpecs : IDisposable
{
    // For a shell that hangs; one that works is never waited for that long.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-scripts-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("libatomic.so.1", "libatomic1")]
    [InlineData("libdrm.so.2", "libdrm2")]
    [InlineData("libX11.so.6", "libx11-6")]
    [InlineData("libgtk-3.so.0", "libgtk-3-0")]
    [InlineData("libgdk-3.so.0", "libgtk-3-0")]
    [InlineData("libpangocairo-1.0.so.0", "libpangocairo-1.0-0")]
    [InlineData("libgdk_pixbuf-2.0.so.0", "libgdk-pixbuf-2.0-0")]
    [InlineData("libgobject-2.0.so.0", "libglib2.0-0")]
    [InlineData("libstdc++.so.6", "libstdc++6")]
    [InlineData("libgcc_s.so.1", "libgcc-s1")]
    [InlineData("libz.so.1", "zlib1g")]
    public async Task A_library_is_looked_for_in_the_package_that_Debian_names_after_it(string soname, string package)
    {
        var (code, output, errors) = await ShellAsync($". scripts/lib.sh; packages_of '{soname}'");

        Assert.True(code == 0, errors);
        Assert.Equal([$"{package}t64", package], output.Split(' ')[..2]);
    }

    [Fact]
    public async Task A_node_that_ends_ends_its_client_too_and_its_log_says_why()
    {
        var log = Path.Combine(_folder, "node.log");
        var (code, _, errors) = await ShellAsync(
            $". scripts/lib.sh; (printf 'no broker\n   at Node.Start()\n' >'{log}'; exit 3) & beside $! '{log}' sleep infinity");

        Assert.Equal(3, code);
        Assert.Contains("the node has ended (exit 3)", errors, StringComparison.Ordinal);
        Assert.Contains("no broker", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Node.Start", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("true", 0)]
    [InlineData("(exit 5)", 5)]
    public async Task A_client_beside_a_living_node_gives_its_own_exit_code(string client, int expected)
    {
        var (code, _, errors) = await ShellAsync(
            $$""". scripts/lib.sh; client() { {{client}}; }; sleep infinity & node=$!; status=0; beside $node /dev/null client || status=$?; kill $node; exit $status""");

        Assert.Equal(expected, code);
        Assert.DoesNotContain("ended", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bash -c 'echo the cause; exit 4'", 4)]
    [InlineData("fail the cause", 1)]
    public async Task A_step_that_fails_shows_what_it_said(string command, int expected)
    {
        var (code, _, errors) = await ShellAsync($". scripts/lib.sh; step 'trying' {command}");

        Assert.Equal(expected, code);
        Assert.Contains("trying failed", errors, StringComparison.Ordinal);
        Assert.Contains("the cause", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Skipped_specs_are_counted_by_their_reason()
    {
        const string passed = """<UnitTestResult testName="A" outcome="Passed" />""";
        string Skipped(string message) =>
            $"""
            <UnitTestResult testName="B" outcome="NotExecuted">
              <Output>
                <ErrorInfo>
                  <Message>{message}</Message>
                </ErrorInfo>
              </Output>
            </UnitTestResult>
            """;
        const string silent = """
            <UnitTestResult testName="C" outcome="NotExecuted">
            </UnitTestResult>
            """;
        var (first, second) = (Path.Combine(_folder, "a.trx"), Path.Combine(_folder, "b.trx"));
        await File.WriteAllLinesAsync(first, [passed, Skipped("No &quot;broker&quot; &amp; no\n   database."), Skipped("Chromium is away."), silent]);
        await File.WriteAllLinesAsync(second, [Skipped("Chromium is away."), passed]);

        var (code, output, errors) = await ShellAsync($"scripts/skip-reasons '{first}' '{second}'");

        Assert.True(code == 0, errors);
        Assert.Equal(
            ["2 x Chromium is away.", "1 x No \"broker\" & no database.", "1 x no reason given"],
            output.TrimEnd().Split('\n').OrderByDescending(line => line[0]).ThenBy(line => line, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("run")]
    [InlineData(".ci/run")]
    [InlineData("scripts/lib.sh")]
    [InlineData("scripts/prepare")]
    [InlineData("scripts/test")]
    [InlineData("scripts/fresh")]
    public async Task Scripts_can_be_read_by_the_shell(string script)
    {
        var (code, _, errors) = await ShellAsync($"bash -n '{script}'");

        Assert.True(code == 0, errors);
    }

    private static async Task<(int Code, string Output, string Errors)> ShellAsync(string command)
    {
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", command])
        {
            WorkingDirectory = Checkout.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var bound = new CancellationTokenSource(Patience);
        try
        {
            var (output, errors) = (shell.StandardOutput.ReadToEndAsync(bound.Token), shell.StandardError.ReadToEndAsync(bound.Token));
            await shell.WaitForExitAsync(bound.Token);
            return (shell.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            shell.Kill(entireProcessTree: true);
            throw;
        }
    }
}
