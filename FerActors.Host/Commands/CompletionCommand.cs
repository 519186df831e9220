using System.CommandLine;

namespace FerActors.Host.Commands;

/// <summary><c>fer completion</c>: a script for a shell, which asks <c>fer</c> itself what can follow (System.CommandLine's <c>[suggest]</c>).</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # fer completion bash: eval "$(fer completion bash)" in ~/.bashrc
        _fer_complete() {
            local line=${COMP_LINE#*[[:space:]]}
            local point=$((COMP_POINT - ${#COMP_LINE} + ${#line}))
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:$point]" "$line" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -o bashdefault -F _fer_complete fer
        """;

    private const string Zsh = """
        #compdef fer
        # fer completion zsh: eval "$(fer completion zsh)" in ~/.zshrc, after compinit
        _fer() {
            local line=${BUFFER#*[[:space:]]}
            local -a words_that_follow
            words_that_follow=("${(@f)$(${words[1]} "[suggest:$((CURSOR - ${#BUFFER} + ${#line}))]" "$line" 2>/dev/null)}")
            compadd -- ${words_that_follow:#} || _files
        }
        compdef _fer fer
        """;

    private const string Fish = """
        # fer completion fish: fer completion fish > ~/.config/fish/completions/fer.fish
        function __fer_complete
            set -l line (string replace -r '^\S+\s' '' -- (commandline -cp))
            fer "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete --command fer --arguments '(__fer_complete)'
        """;

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Prints a script by which a shell completes commands and options: eval \"$(fer completion bash)\".") { shell };
        command.SetAction((parsed, _) =>
        {
            parsed.InvocationConfiguration.Output.WriteLine(parsed.GetRequiredValue(shell) switch
            {
                "bash" => Bash,
                "zsh" => Zsh,
                _ => Fish,
            });
            return Task.FromResult(0);
        });
        return command;
    }
}
