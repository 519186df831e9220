using System.CommandLine;

namespace FerActors.Host.Commands.Line;

/// <summary>A command line's root, with the name by which people call the program, whatever the file is called that runs.</summary>
/// <param name="program">The name.</param>
/// <param name="description">For the help.</param>
internal sealed class ProgramCommand(string program, string description) : RootCommand(description)
{
    public string Program => program;
}
