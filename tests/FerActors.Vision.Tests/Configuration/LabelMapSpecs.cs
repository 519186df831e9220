using FerActors.Shared.Labels;
using FerActors.Vision.Configuration;

namespace FerActors.Vision.Tests.Configuration;

public sealed class LabelMapSpecs
{
    private static string Refusal(params string[] labels) => Assert.Throws<VitConfigException>(() => LabelMap.Create(labels)).Message;

    [Fact]
    public void An_alphabetical_checkpoint_is_mapped_by_name()
    {
        var map = LabelMap.Create(["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]);
        Assert.Equal([0, 1, 2, 3, 6, 4, 5], map.OutputToExpression);
        Assert.False(map.IsIdentity);

        var row = new float[7];
        map.Reorder([10, 11, 12, 13, 14, 15, 16], row);
        Assert.Equal([10, 11, 12, 13, 15, 16, 14], row);
        Assert.Equal(14, row[(int)Expression.Neutral]);
    }

    [Fact]
    public void A_checkpoint_in_yet_another_order_and_spelling_is_mapped_too() =>
        Assert.Equal(
            [4, 1, 0, 6, 2, 5, 3],
            LabelMap.Create(["Sadness", "DISGUST", "anger", " neutral ", "fearful", "surprised", "happiness"]).OutputToExpression);

    [Fact]
    public void Our_own_labels_stand_in_the_order_of_FER2013()
    {
        Assert.Equal(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"], LabelMap.Fer2013Labels);
        Assert.True(LabelMap.Create(LabelMap.Fer2013Labels).IsIdentity);
    }

    [Fact]
    public void The_map_cannot_be_changed_from_outside()
    {
        var map = LabelMap.Create(LabelMap.Fer2013Labels);
        map.OutputToExpression[0] = 5;
        Assert.Equal(0, map.OutputToExpression[0]);
    }

    [Fact]
    public void Placeholders_are_refused_with_what_to_do()
    {
        var message = Refusal([.. Enumerable.Range(0, 7).Select(i => $"LABEL_{i}")]);
        Assert.Contains("LABEL_0 to LABEL_6 are placeholders", message, StringComparison.Ordinal);
        Assert.Contains("id2label of config.json", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_class_that_FER2013_does_not_have_is_refused() =>
        Assert.Contains(
            "1 of 8 labels mean none of FER2013's seven expressions: 'contempt'",
            Refusal("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
            StringComparison.Ordinal);

    [Fact]
    public void A_class_that_is_absent_is_named() =>
        Assert.Contains(
            "No output means Disgust, Fear.",
            Refusal("angry", "happy", "sad", "surprise", "neutral"),
            StringComparison.Ordinal);

    [Fact]
    public void Two_outputs_of_one_meaning_are_refused() =>
        Assert.Contains(
            "The outputs 0 and 7 both mean Angry.",
            Refusal("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "anger"),
            StringComparison.Ordinal);

    [Fact]
    public void A_long_list_of_foreign_labels_is_cut()
    {
        var message = Refusal([.. Enumerable.Range(0, 1000).Select(i => $"n{i:D8} {new string('x', 100)}")]);
        Assert.InRange(message.Length, 1, 600);
        Assert.Contains("No output means Angry", message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_labels_at_all_are_refused() => Assert.Contains("No output means", Refusal(), StringComparison.Ordinal);

    [Fact]
    public void A_row_of_another_length_is_refused()
    {
        var map = LabelMap.Create(LabelMap.Fer2013Labels);
        Assert.Throws<ArgumentException>(() => map.Reorder(new float[6], new float[7]));
        Assert.Throws<ArgumentException>(() => map.Reorder(new float[7], new float[8]));
    }
}
