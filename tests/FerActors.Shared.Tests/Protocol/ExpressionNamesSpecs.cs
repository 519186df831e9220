using FerActors.Shared.Labels;

namespace FerActors.Shared.Tests.Protocol;

public sealed class ExpressionNamesSpecs
{
    [Fact]
    public void The_numbers_are_those_of_FER2013() =>
        Assert.Equal(["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"], ExpressionNames.All.Select(e => e.ToString()));

    [Theory]
    [InlineData("anger", Expression.Angry)]
    [InlineData(" HAPPINESS ", Expression.Happy)]
    [InlineData("surprised", Expression.Surprise)]
    public void Other_spellings_are_known(string label, Expression expected)
    {
        Assert.True(ExpressionNames.TryParse(label, out var expression));
        Assert.Equal(expected, expression);
    }

    [Theory]
    [InlineData("contempt")]
    [InlineData("")]
    [InlineData(null)]
    public void What_means_none_of_the_seven_is_refused(string? label) => Assert.False(ExpressionNames.TryParse(label, out _));
}
