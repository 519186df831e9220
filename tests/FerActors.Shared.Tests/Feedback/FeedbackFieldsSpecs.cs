using System.Text;
using FerActors.Shared.Feedback;
using FerActors.Shared.Labels;

namespace FerActors.Shared.Tests.Feedback;

public sealed class FeedbackFieldsSpecs
{
    private const string Whole =
        """{"message_id":"order-17","face":2,"label":"sadness","predicted":"Neutral","model_version":"2026-01","source":"anna@desk"}""";

    private static readonly FaceFeedback Expected = new("order-17", 2, Expression.Sad, Expression.Neutral, "2026-01", "anna@desk");

    [Fact]
    public void A_whole_message_is_read_whatever_spelling_its_labels_have()
    {
        Assert.Equal(Expected, Read(Whole));
        Assert.Equal(Expected, Read(Whole.Replace("\"sadness\"", "4", StringComparison.Ordinal)));
        Assert.Equal(Expected, Read(Whole.Replace("{", "{\"later\":[1],", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_is_written_is_read_again()
    {
        Assert.Equal(Expected, Read(Encoding.UTF8.GetString(FeedbackFields.Write(Expected))));
        var odd = Expected with { MessageId = "\"\\<漢字>", ModelVersion = "é" };
        Assert.Equal(odd, Read(Encoding.UTF8.GetString(FeedbackFields.Write(odd))));
    }

    [Fact]
    public void The_parts_that_the_api_adds_may_be_absent_and_are_then_named()
    {
        Assert.True(FeedbackFields.TryRead(Bytes("""{"message_id":"a","face":0,"label":"Happy"}"""), out var fields, out _));

        Assert.False(fields!.TryComplete(out _, out var fault));
        Assert.Equal("It lacks predicted, model_version, source.", fault);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("{")]
    [InlineData("no json")]
    [InlineData("{\"message_id\":\"a\",\"message_id\":\"b\",\"face\":0,\"label\":\"Happy\"}")]
    [InlineData("{\"face\":0,\"label\":\"Happy\"}")]
    [InlineData("{\"message_id\":\"\",\"face\":0,\"label\":\"Happy\"}")]
    [InlineData("{\"message_id\":\"a\\nb\",\"face\":0,\"label\":\"Happy\"}")]
    [InlineData("{\"message_id\":\"\\ud800\",\"face\":0,\"label\":\"Happy\"}")]
    [InlineData("{\"message_id\":7,\"face\":0,\"label\":\"Happy\"}")]
    [InlineData("{\"message_id\":\"a\",\"face\":-1,\"label\":\"Happy\"}")]
    [InlineData("{\"message_id\":\"a\",\"face\":1024,\"label\":\"Happy\"}")]
    [InlineData("{\"message_id\":\"a\",\"face\":0.5,\"label\":\"Happy\"}")]
    [InlineData("{\"message_id\":\"a\",\"face\":1e99,\"label\":\"Happy\"}")]
    [InlineData("{\"message_id\":\"a\",\"face\":\"0\",\"label\":\"Happy\"}")]
    [InlineData("{\"message_id\":\"a\",\"face\":0,\"label\":\"Contempt\"}")]
    [InlineData("{\"message_id\":\"a\",\"face\":0,\"label\":7}")]
    [InlineData("{\"message_id\":\"a\",\"face\":0,\"label\":\"Happy\",\"predicted\":null}")]
    [InlineData("{\"message_id\":\"a\",\"face\":0,\"label\":\"Happy\",\"source\":\"a b\"}")]
    [InlineData("{\"message_id\":\"a\",\"face\":0,\"label\":\"Happy\",\"model_version\":\"\"}")]
    [InlineData("{\"message_id\":\"a\",\"face\":0,\"label\":\"Happy\",\"x\":[[[[1]]]]}")]
    public void What_is_wrong_is_refused_with_a_sentence(string json)
    {
        Assert.False(FeedbackFields.TryRead(Bytes(json), out var fields, out var fault));
        Assert.Null(fields);
        Assert.EndsWith(".", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_bound_is_kept_and_no_sentence_repeats_what_it_refuses()
    {
        var id = new string('x', 256);
        foreach (var json in new[]
        {
            Whole.Replace("order-17", id, StringComparison.Ordinal),
            Whole.Replace("2026-01", id, StringComparison.Ordinal),
            Whole.Replace("anna@desk", id, StringComparison.Ordinal),
            Whole + new string(' ', FeedbackFields.MaxBytes),
        })
        {
            Assert.False(FeedbackFields.TryRead(Bytes(json), out _, out var fault));
            Assert.DoesNotContain("xxx", fault, StringComparison.Ordinal);
        }

        Assert.True(FeedbackFields.TryRead(Bytes(Whole.Replace("order-17", id[1..], StringComparison.Ordinal)), out _, out _));
    }

    private static FaceFeedback Read(string json)
    {
        Assert.True(FeedbackFields.TryRead(Bytes(json), out var fields, out var fault), fault);
        Assert.True(fields!.TryComplete(out var feedback, out fault), fault);
        return feedback!;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
