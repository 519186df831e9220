using FerActors.Training.Data;

namespace FerActors.Training.Tests.Data;

public sealed class ImageHeaderSpecs
{
    private static readonly byte[] Png =
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 1, 2, 0, 0, 0, 5];

    private static readonly byte[] Jpeg =
        [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0x01, 0xFF, 0xFF, 0xC2, 0, 11, 8, 0, 48, 0, 64, 1, 1, 0x11, 0];

    [Fact]
    public void The_size_of_a_png_is_read()
    {
        Assert.True(ImageHeader.TryReadSize(Png, out var width, out var height));
        Assert.Equal((258, 5), (width, height));
    }

    [Fact]
    public void The_size_of_a_jpeg_is_read_behind_other_segments()
    {
        Assert.True(ImageHeader.TryReadSize(Jpeg, out var width, out var height));
        Assert.Equal((64, 48), (width, height));
    }

    [Fact]
    public void A_file_that_ends_before_the_size_is_refused()
    {
        for (var length = 0; length < Png.Length; length++)
        {
            Assert.False(ImageHeader.TryReadSize(Png.AsSpan(0, length), out _, out _));
        }

        for (var length = 0; length < 19; length++)
        {
            Assert.False(ImageHeader.TryReadSize(Jpeg.AsSpan(0, length), out _, out _));
        }
    }

    [Theory]
    [InlineData(new byte[] { 0xFF, 0xD8, 0xFF, 0xDA, 0, 4, 1, 2, 0xFF, 0xC0, 0, 11, 8, 0, 1, 0, 1 })]
    [InlineData(new byte[] { 0xFF, 0xD8, 0xFF, 0xE0, 0, 0, 0xFF, 0xC0, 0, 11, 8, 0, 1, 0, 1 })]
    [InlineData(new byte[] { 0xFF, 0xD8, 0x00, 0xC0, 0, 11, 8, 0, 1, 0, 1 })]
    [InlineData(new byte[] { 0xFF, 0xD8, 0xFF, 0xC0, 0, 7, 8, 0, 1, 0, 1, 0 })]
    [InlineData(new byte[] { 0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 0, 0, 1, 0 })]
    [InlineData(new byte[] { 0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0 })]
    public void Other_bytes_are_refused(byte[] file) => Assert.False(ImageHeader.TryReadSize(file, out _, out _));
}
