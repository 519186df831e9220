using FerActors.Shared.Feedback;
using FerActors.Shared.Labels;

namespace FerActors.Shared.Tests.Feedback;

public sealed class FeedbackStateSpecs
{
    [Fact]
    public void Accuracy_is_the_share_of_faces_whose_label_was_the_predicted_one()
    {
        var state = new FeedbackState(window: 10);

        Assert.Equal(FeedbackKind.New, state.Take(On("a", Expression.Happy)));
        Assert.Equal(FeedbackKind.New, state.Take(On("b", Expression.Sad)));
        Assert.Equal(FeedbackKind.New, state.Take(On("b", Expression.Happy) with { Face = 1 }));

        Assert.Equal(new ProductionAccuracy("1", Judged: 3, Right: 2), state.Of("1"));
        Assert.Equal(2 / 3.0, state.Of("1")!.Accuracy, 12);
        Assert.Null(state.Of("2"));
    }

    [Fact]
    public void A_message_that_comes_twice_counts_once()
    {
        var state = new FeedbackState(window: 10);
        state.Take(On("a", Expression.Happy));

        Assert.Equal(FeedbackKind.Repeated, state.Take(On("a", Expression.Happy)));
        Assert.Equal(1, state.Of("1")!.Judged);
    }

    [Fact]
    public void Another_label_for_the_same_face_counts_instead_of_the_former()
    {
        var state = new FeedbackState(window: 10);
        state.Take(On("a", Expression.Happy));

        Assert.Equal(FeedbackKind.Changed, state.Take(On("a", Expression.Fear)));
        Assert.Equal(new ProductionAccuracy("1", 1, 0), state.Of("1"));
        Assert.Equal(FeedbackKind.Changed, state.Take(On("a", Expression.Happy)));
        Assert.Equal(new ProductionAccuracy("1", 1, 1), state.Of("1"));
    }

    [Fact]
    public void The_window_slides_face_by_face_and_agrees_with_counting_anew()
    {
        var random = new Random(3);
        var state = new FeedbackState(window: 25);
        var latest = new List<FaceFeedback>();
        for (var i = 0; i < 500; i++)
        {
            var feedback = On($"{random.Next(60)}", random.Next(3) > 0 ? Expression.Happy : Expression.Angry);
            state.Take(feedback);
            var known = latest.FindIndex(f => f.MessageId == feedback.MessageId);
            if (known >= 0)
            {
                latest[known] = feedback;
            }
            else
            {
                latest.Add(feedback);
                if (latest.Count > 25)
                {
                    latest.RemoveAt(0);
                }
            }

            Assert.Equal(new ProductionAccuracy("1", latest.Count, latest.Count(f => f.Confirms)), state.Of("1"));
        }
    }

    [Fact]
    public void Of_more_versions_than_are_kept_the_one_without_feedback_for_longest_is_forgotten()
    {
        var state = new FeedbackState(window: 10);
        for (var i = 0; i < FeedbackState.MaxVersions; i++)
        {
            state.Take(On("a", Expression.Happy) with { ModelVersion = $"{i}" });
        }

        state.Take(On("b", Expression.Happy) with { ModelVersion = "0" });
        state.Take(On("a", Expression.Happy) with { ModelVersion = "new" });

        Assert.Null(state.Of("1"));
        Assert.Equal(FeedbackState.MaxVersions, state.Versions.Count);
        Assert.Equal(["new", "0"], state.Versions.Take(2).Select(version => version.ModelVersion));
    }

    private static FaceFeedback On(string message, Expression label) => new(message, 0, label, Expression.Happy, "1", "spec");
}
