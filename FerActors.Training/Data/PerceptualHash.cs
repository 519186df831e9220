namespace FerActors.Training.Data;

/// <summary>A 64-bit difference hash: the image shrunk to 9x8 by area, a bit for each pair of neighbours in a row.</summary>
/// <remarks>
/// The bit is set where the right cell is brighter (the dHash of Krawetz, 2013). JPEG noise moves a cell's mean of about 28
/// pixels very little, so it changes few bits.
/// </remarks>
internal static class PerceptualHash
{
    private const int Columns = 9;
    private const int Rows = 8;
    private const int RowHeight = FerDataset.Side / Rows;

    // 48 pixels are 9 cells of 16 thirds of a pixel.
    private const int Thirds = 3;
    private const int CellThirds = FerDataset.Side * Thirds / Columns;

    public static ulong Compute(ReadOnlySpan<byte> pixels)
    {
        Span<int> columns = stackalloc int[FerDataset.Side];
        Span<int> cells = stackalloc int[Columns];
        ulong hash = 0;
        for (var row = 0; row < Rows; row++)
        {
            columns.Clear();
            for (var y = 0; y < RowHeight; y++)
            {
                var line = pixels.Slice(((row * RowHeight) + y) * FerDataset.Side, FerDataset.Side);
                for (var x = 0; x < FerDataset.Side; x++)
                {
                    columns[x] += line[x];
                }
            }

            cells.Clear();
            for (var third = 0; third < FerDataset.Side * Thirds; third++)
            {
                cells[third / CellThirds] += columns[third / Thirds];
            }

            for (var column = 1; column < Columns; column++)
            {
                hash = (hash << 1) | (cells[column] > cells[column - 1] ? 1UL : 0UL);
            }
        }

        return hash;
    }
}
