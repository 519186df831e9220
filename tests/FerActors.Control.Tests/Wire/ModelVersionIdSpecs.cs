using FerActors.Shared.Registry;

namespace FerActors.Control.Tests.Wire;

public sealed class ModelVersionIdSpecs
{
    [Theory]
    [InlineData("v1")]
    [InlineData("fer-vit-compact_2026.11")]
    [InlineData("0")]
    public void A_plain_name_is_taken(string text) => Assert.Equal(text, ModelVersionId.Parse(text).Value);

    [Theory]
    [InlineData("")]
    [InlineData("V1")]
    [InlineData("../v1")]
    [InlineData("a..b")]
    [InlineData("a/b")]
    [InlineData(".hidden")]
    [InlineData("v1\n")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void Anything_that_could_leave_the_registrys_folder_is_refused(string text) =>
        Assert.Throws<FormatException>(() => ModelVersionId.Parse(text));
}
