using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;

namespace FerActors.Shared.Tests.Protocol;

public sealed class RequestHeadersSpecs
{
    [Fact]
    public void Without_headers_all_faces_are_classified_and_nothing_extra_is_sent() =>
        Assert.Equal(new RequestOptions(FaceSelection.All, IncludeParts.None, Aligned: false), Accepted());

    [Fact]
    public void Known_headers_are_read_without_regard_to_case()
    {
        var options = Accepted(("X-FER-Faces", "Largest"), ("x-fer-include", "crop, attention"), ("x-fer-aligned", "True"));

        Assert.Equal(new RequestOptions(FaceSelection.Largest, IncludeParts.Crop | IncludeParts.Attention, Aligned: true), options);
    }

    [Fact]
    public void An_explanation_may_be_asked_for_of_the_predicted_expression_or_of_a_named_one()
    {
        Assert.Equal(new ExplanationRequest(ExplanationMethod.Rollout), Accepted(("x-fer-explain", "Rollout")).Explain);
        Assert.Equal(new ExplanationRequest(ExplanationMethod.Gradient), Accepted(("X-FER-Explain", "gradient")).Explain);
        Assert.Equal(new ExplanationRequest(ExplanationMethod.Gradient, Expression.Sad), Accepted(("x-fer-explain", "gradient: sadness")).Explain);
        Assert.Null(Accepted().Explain);
    }

    [Fact]
    public void Headers_that_are_not_known_are_passed_over() =>
        Assert.Equal(RequestOptions.Default, Accepted(("traceparent", "00-ab"), ("x-fer-future", "anything")));

    [Theory]
    [InlineData("x-fer-faces", "both")]
    [InlineData("x-fer-include", "crop,soul")]
    [InlineData("x-fer-aligned", "maybe")]
    [InlineData("x-fer-explain", "lime")]
    [InlineData("x-fer-explain", "rollout:sad")]
    [InlineData("x-fer-explain", "gradient:")]
    [InlineData("x-fer-explain", "gradient:bored")]
    [InlineData("x-fer-explain", null)]
    [InlineData("x-fer-faces", null)]
    public void A_known_header_with_a_wrong_value_is_refused_by_name(string name, string? value)
    {
        Assert.False(RequestHeaders.TryParse([new(name, value)], out var options, out var error));
        Assert.Equal(RequestOptions.Default, options);
        Assert.Contains(name, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_strangers_value_is_cut_and_stripped_before_it_is_repeated()
    {
        Assert.False(RequestHeaders.TryParse([new("x-fer-faces", "\n\u001b" + new string('x', 500))], out _, out var error));
        Assert.DoesNotContain(error!, char.IsControl);
        Assert.True(error!.Length < 150);
    }

    [Fact]
    public void What_is_written_for_a_request_is_read_as_the_same_request()
    {
        RequestOptions[] requests =
        [
            RequestOptions.Default,
            new(FaceSelection.Largest, IncludeParts.Landmarks | IncludeParts.Attention | IncludeParts.Crop, Aligned: true)
            {
                Explain = new ExplanationRequest(ExplanationMethod.Rollout),
                Deadline = TimeSpan.FromDays(1),
            },
            .. ExpressionNames.All.Select(label => RequestOptions.Default with { Explain = new ExplanationRequest(ExplanationMethod.Gradient, label) }),
        ];

        Assert.All(requests, request => Assert.Equal(request, Accepted([.. RequestHeaders.Of(request).Select(header => (header.Key, header.Value))])));
        Assert.Empty(RequestHeaders.Of(RequestOptions.Default));
    }

    private static RequestOptions Accepted(params (string Name, string Value)[] headers)
    {
        Assert.True(RequestHeaders.TryParse(headers.Select(h => new KeyValuePair<string, string?>(h.Name, h.Value)), out var options, out var error));
        Assert.Null(error);
        return options;
    }
}
