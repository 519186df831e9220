using FerActors.Lab.Bench;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;

namespace FerActors.Lab.Tests.Bench;

public sealed class PeerAgreementSpecs
{
    private static readonly FaceBox Left = new(10, 10, 50, 60);
    private static readonly FaceBox Right = new(200, 12, 50, 60);

    [Fact]
    public void The_same_faces_with_nearly_the_same_probabilities_agree_in_any_order() =>
        Assert.Null(PeerAgreement.Difference(
            Answer(Face(Left, 0.70), Face(Right, 0.20)), Answer(Face(new FaceBox(201, 12, 51, 61), 0.24), Face(Left, 0.66)), tolerance: 0.05));

    [Fact]
    public void Two_answers_without_a_face_agree() => Assert.Null(PeerAgreement.Difference(Answer(), Answer(), tolerance: 0.05));

    [Fact]
    public void Another_probability_is_named() =>
        Assert.Contains("Happy is 0.700 for the node and 0.500 for the peer", Difference(Answer(Face(Left, 0.7)), Answer(Face(Left, 0.5))), StringComparison.Ordinal);

    [Fact]
    public void A_probability_that_is_no_number_differs() =>
        Assert.Contains("Happy is", Difference(Answer(Face(Left, 0.7)), Answer(Face(Left, double.NaN))), StringComparison.Ordinal);

    [Fact]
    public void A_face_less_is_named() =>
        Assert.Contains("found 2 faces, the peer 1", Difference(Answer(Face(Left, 0.7), Face(Right, 0.7)), Answer(Face(Left, 0.7))), StringComparison.Ordinal);

    [Fact]
    public void A_face_elsewhere_is_named() =>
        Assert.Contains("no face at (10, 10)", Difference(Answer(Face(Left, 0.7)), Answer(Face(Right, 0.7))), StringComparison.Ordinal);

    [Fact]
    public void An_error_is_no_answer_even_where_both_give_it()
    {
        var refused = ClassificationResult.Failed("id", null, "node", ErrorCodes.Overloaded, "Later.");

        Assert.Contains("the node answered overloaded", Difference(refused, refused), StringComparison.Ordinal);
        Assert.Contains("the peer answered overloaded", Difference(Answer(), refused), StringComparison.Ordinal);
    }

    private static string Difference(ClassificationResult node, ClassificationResult peer) =>
        PeerAgreement.Difference(node, peer, tolerance: 0.05) ?? throw new InvalidOperationException("The two agree.");

    private static ClassificationResult Answer(params FaceResult[] faces) => new() { MessageId = "id", Node = "node", Faces = faces };

    private static FaceResult Face(FaceBox box, double happy) => new(
        box, null, 0, null, Expression.Happy, "Happy", happy, [new(Expression.Happy, "Happy", happy), new(Expression.Sad, "Sad", 0.1)]);
}
