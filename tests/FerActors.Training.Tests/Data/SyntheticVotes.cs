using System.Text;
using FerActors.Training.Data;

namespace FerActors.Training.Tests.Data;

/// <summary>Made-up votes in the form of FER+.</summary>
internal static class SyntheticVotes
{
    public const string Header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF";

    /// <summary>The columns of the votes in which the classes of FER2013's order stand.</summary>
    private static readonly int[] Places = [4, 5, 6, 1, 3, 2, 0];

    /// <summary>One row.</summary>
    /// <param name="number">For the image's name; negative for none.</param>
    /// <param name="usage">The split.</param>
    /// <param name="votes">Ten counts in the order of the columns.</param>
    public static string Row(int number, FerUsage usage, params int[] votes) =>
        $"{usage},{(number < 0 ? "" : $"fer{number:0000000}.png")},{string.Join(',', votes)}";

    /// <summary>A file of rows.</summary>
    public static byte[] Csv(params IEnumerable<string> rows) => Encoding.UTF8.GetBytes(string.Join('\n', rows.Prepend(Header)) + "\n");

    /// <summary>Votes for each image of a set: of ten people all but some name the label, and those name the class after it.</summary>
    public static byte[] For(FerDataset data, int others = 3) => Csv(Enumerable.Range(0, data.Count).Select(i =>
    {
        var votes = new int[10];
        votes[Places[(int)data.Label(i)]] = 10 - others;
        votes[Places[((int)data.Label(i) + 1) % Places.Length]] = others;
        return Row(i, data.Usage(i), votes);
    }));

    public static FerDataset Attach(byte[] file, FerDataset data) => FerVotesReader.Attach(new MemoryStream(file), "votes.csv", data);
}
