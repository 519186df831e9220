using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("FerActors.Training.Tests")]
