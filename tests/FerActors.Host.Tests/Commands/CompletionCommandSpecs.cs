using System.Diagnostics;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Commands;

/// <summary>The scripts of <c>fer completion</c>, loaded by the shells themselves where these are installed.</summary>
public sealed class CompletionCommandSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-completion-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData("fer mod", "model")]
    [InlineData("fer model pro", "promote")]
    [InlineData("fer model promote --fo", "--force")]
    [InlineData("fer completion z", "zsh")]
    [InlineData("fer  evaluate --split Pri", "PrivateTest")]
    public async Task Bash_completes_commands_and_options(string line, string completed)
    {
        Skip.IfNot(File.Exists("/bin/bash"), "bash is not installed here.");
        var (_, script, _) = await FerProcess.RunAsync("completion", "bash");
        var file = Path.Combine(_folder, "fer.bash");
        await File.WriteAllTextAsync(file, script);
        var dll = Path.Combine(AppContext.BaseDirectory, "fer.dll");

        // As readline calls it.
        var output = await ShellAsync(
            "/bin/bash",
            $$"""
            fer() { dotnet '{{dll}}' "$@"; }
            source '{{file}}'
            COMP_LINE='{{line}}'; COMP_POINT=${#COMP_LINE}; read -ra COMP_WORDS <<<"$COMP_LINE"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            complete -p fer
            _fer_complete
            printf '%s\n' "${COMPREPLY[@]}"
            """);

        Assert.Contains("-F _fer_complete fer", output, StringComparison.Ordinal);
        Assert.Equal(completed, output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
    }

    [SkippableTheory]
    [InlineData("fer model pro", "promote")]
    [InlineData("fer model promote --fo", "--force")]
    public async Task Fish_completes_commands_and_options(string line, string completed)
    {
        Skip.IfNot(File.Exists("/usr/bin/fish"), "fish is not installed here.");
        var (_, script, _) = await FerProcess.RunAsync("completion", "fish");
        var file = Path.Combine(_folder, "fer.fish");
        await File.WriteAllTextAsync(file, script);

        var output = await ShellAsync(
            "/usr/bin/fish", $"function fer; dotnet '{Path.Combine(AppContext.BaseDirectory, "fer.dll")}' $argv; end; source '{file}'; complete -C '{line}'");

        Assert.Equal(completed, output.Trim());
    }

    [SkippableTheory]
    [InlineData("bash", "/bin/bash")]
    [InlineData("zsh", "/usr/bin/zsh")]
    [InlineData("fish", "/usr/bin/fish")]
    public async Task Every_shell_reads_its_script(string name, string shell)
    {
        Skip.IfNot(File.Exists(shell), $"{name} is not installed here.");
        var (code, script, _) = await FerProcess.RunAsync("completion", name);
        var file = Path.Combine(_folder, "script");
        await File.WriteAllTextAsync(file, script);

        Assert.Equal(0, code);
        Assert.Equal("", await ShellAsync(shell, $"{shell} -n '{file}'"));
    }

    private static async Task<string> ShellAsync(string shell, string script)
    {
        using var process = Process.Start(new ProcessStartInfo(shell, ["-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output + await errors;
    }
}
