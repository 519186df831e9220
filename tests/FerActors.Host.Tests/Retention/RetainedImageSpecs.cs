using System.Security.Cryptography;
using System.Text;
using FerActors.Host.Retention;

namespace FerActors.Host.Tests.Retention;

public sealed class RetainedImageSpecs
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    private static readonly RetainedImage Image =
        new("order-17", "2026-01", new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero), Encoding.ASCII.GetBytes("the picture of a face"));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_written_is_read_again(bool sealedWithKey)
    {
        var key = sealedWithKey ? Key : null;

        var read = RetainedImage.FromFile(Image.ToFile(key), key);

        Assert.Equal(Image.Image.ToArray(), read.Image.ToArray());
        Assert.Equal(Image with { Image = default }, read with { Image = default });
    }

    [Fact]
    public void Sealed_nothing_of_it_can_be_read_and_no_two_files_are_the_same()
    {
        var file = Image.ToFile(Key);

        var text = Encoding.Latin1.GetString(file);
        Assert.DoesNotContain("picture", text, StringComparison.Ordinal);
        Assert.DoesNotContain("order-17", text, StringComparison.Ordinal);
        Assert.NotEqual(file, Image.ToFile(Key));
    }

    [Fact]
    public void Another_key_none_or_any_changed_byte_is_refused()
    {
        var file = Image.ToFile(Key);

        Refused(file, RandomNumberGenerator.GetBytes(32));
        Refused(file, null);
        for (var i = 0; i < file.Length; i++)
        {
            var changed = (byte[])file.Clone();
            changed[i] ^= 1;
            Refused(changed, Key);
        }
    }

    [Fact]
    public void What_is_cut_or_was_never_an_image_is_refused()
    {
        foreach (var whole in new[] { Image.ToFile(Key), Image.ToFile(null)[..40] })
        {
            for (var length = 0; length < whole.Length - 1; length += 3)
            {
                Refused(whole[..length], Key);
            }
        }

        Refused([.. "FERIMG1\0"u8, 0xFF, 0xFF, 0xFF, 0x7F], null);
    }

    private static void Refused(byte[] file, byte[]? key) => Assert.Throws<InvalidDataException>(() => RetainedImage.FromFile(file, key));
}
